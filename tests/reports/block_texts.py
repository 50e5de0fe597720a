"""Texts of a report's blocks, to look for in its files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from reports.rendering.blocks import Block, Figure


def shown_texts(blocks: list[Block]) -> list[str]:
    texts = [text for block in blocks for text in _texts(block, "svg", "alt")]
    return [line for text in texts for line in text.splitlines() if line.strip()]


def alternative_texts(blocks: list[Block]) -> list[str]:
    return [block.alt for block in blocks if isinstance(block, Figure)]


def without_spaces(text: str) -> str:
    """The text without spaces and line ends, which a file may place freely."""
    return "".join(text.split())


def _texts(value: Any, *without: str) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item, *without)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.name not in without:
                yield from _texts(getattr(value, field.name), *without)
