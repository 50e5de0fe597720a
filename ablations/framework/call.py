"""`ablations.run`: a run of studies as a call."""

import importlib
import os
from collections.abc import Sequence
from typing import Any

from ablations.framework.study import Study


def run(  # noqa: PLR0913 (a notebook shows the options of `ablate run` as arguments)
    study: str | os.PathLike[str] | Study | Sequence[str | os.PathLike[str] | Study],
    *,
    data: str | os.PathLike[str] = "auto",
    profile: str = "auto",
    out: str | os.PathLike[str] = "out",
    seeds: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    workers: int | None = None,
    limit: str | float | None = None,
    retry_failed: bool = False,
) -> Any:
    """Run the jobs of studies that have no record yet, and write the report, as `ablate run` does.

    Called again, it continues: after Kernel > Interrupt, too, it runs what is missing.

    Args:
        study: The name of a study of the package, such as 'relu'; the path of a study file; a `Study` with a name; or
            several of these.
        data: 'digits', 'cifar10', or a folder with train/<class>/ and test/<class>/; 'auto' is $ABLATE_DATA, else
            CIFAR-10 if available, else digits.
        profile: Cost of the run: 'smoke', 'quick', 'standard' or 'full'; 'auto' is quick on a CPU and standard on a
            GPU.
        out: The output folder, which keeps the records.
        seeds: Seeds per arm, all at once; None for look by look until a claim is decided.
        device: 'cpu', 'cuda', or 'auto' for cuda if available.
        precision: 'float32', 'bfloat16', or 'auto' for bfloat16 where the device has units for it.
        workers: Jobs at once; None for one per core, or several per GPU.
        limit: Time after which no job starts: seconds, or '30m' or '2h'.
        retry_failed: Whether jobs that failed are run again.

    Returns:
        The result: data frames `trials` and `verdicts`, the report's `figures`, and the paths of the `report`'s files.
        A notebook shows it as a table of verdicts with the figure of all claims.

    Raises:
        InputError: An argument is invalid, or the data or the output folder cannot be used.
    """
    arguments = dict(locals())
    return importlib.import_module("commands.notebook").run(arguments.pop("study"), arguments)
