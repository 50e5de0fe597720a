"""Every sentence and table cell of a report, to look for in its files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from reports.rendering.blocks import Block, Figure


def said(blocks: list[Block]) -> list[str]:
    texts = [text for block in blocks for text in _texts(block, "svg", "alt")]
    return [line for text in texts for line in text.splitlines() if line.strip()]


def alternatives(blocks: list[Block]) -> list[str]:
    return [block.alt for block in blocks if isinstance(block, Figure)]


def squeezed(text: str) -> str:
    """Without spaces and line ends, which a file may place as it likes."""
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
