"""Settings of a process that code of a study file may change and all arms share: torch's, and the working folder."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

CUDNN = ("enabled", "benchmark", "deterministic")
SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (  # functions that return and set each
    (os.getcwd, os.chdir),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    *((partial(getattr, torch.backends.cudnn, name), partial(setattr, torch.backends.cudnn, name)) for name in CUDNN),
)


@contextmanager
def keep_process_settings() -> Iterator[None]:
    """Restore the settings at the end, so that no arm depends on those before it in a worker."""
    earlier_values = [read() for read, _ in SETTINGS]
    try:
        yield
    finally:
        torch.set_default_device(None)
        for (read, restore), value in zip(SETTINGS, earlier_values, strict=True):
            if read() != value:
                restore(value)
