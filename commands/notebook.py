"""`ablations.run`: what `ablate run` does, as a call from a notebook or a script."""

import argparse
import os
import re
import signal
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any, NoReturn

from pydantic import ValidationError

from ablations import Study
from ablations.framework.discovery import describe_invalid, study_names
from bench.extensions.study_code import BesideFinder
from bench.records.validation import adapter
from bench.runner.backends import torchrun
from bench.spec.errors import InputError, Interrupted
from bench.system.console import SafeConsole
from bench.system.text import printable
from bench.tracking.address import CLIENT_ENVIRONMENT, hide_secrets
from commands.arguments import add_out, add_run_options, expand_home
from commands.doctor import advise, check_out, with_advice
from commands.notebook_display import NotebookInterface, ScriptInterface, is_notebook, write_argument
from commands.run import perform_run
from reports.run_result import RunResult, make_result

# Child processes must not take a user's queue.py in the working directory for Python's own
ENVIRONMENT = {**CLIENT_ENVIRONMENT, "PYTHONSAFEPATH": "1"}
OPTION = re.compile(r"(?<!\S)--([a-z]+(?:-[a-z]+)*)(?: (cpu|cuda))?")


class RunInterrupted(KeyboardInterrupt):
    """The run was stopped, by Kernel > Interrupt or Ctrl-C."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


def run(study: Any, arguments: Mapping[str, Any]) -> RunResult:
    """Run studies; see `ablations.run`.

    Args:
        study: A study, its name or path, or a sequence of these.
        arguments: The command's options by their names with underscores; None for a default.
    """
    error: BaseException
    try:
        options = _parse(study, arguments)
        console = SafeConsole()
        interface = NotebookInterface(options, console) if is_notebook() else ScriptInterface(options, console)
        with _hide_script(), _handle_interrupt(), _restore_process(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "IProgress not found")  # of tqdm, which MLflow imports
            check_out(options)
            report = perform_run(options, interface).report
            assert report is not None, "it is written unless torchrun shares a run"
            return make_result(report, options.out)
    except (InputError, OSError, ImportError) as failure:
        if not (isinstance(failure, InputError) or advise(failure)):
            raise
        error = InputError(_in_words_of_call(hide_secrets(with_advice(failure))))
    except KeyboardInterrupt:
        error = RunInterrupted("stopped; finished jobs are kept; run the same again to continue")
    raise error  # here, because a notebook keeps its last error, which would keep the frames of the run and its workers


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(message.removeprefix("argument "))


def _parse(study: Any, arguments: Mapping[str, Any]) -> argparse.Namespace:
    """Return the options of the command that correspond to the arguments of a call."""
    if torchrun.process_count() > 1:
        raise InputError("ablations.run cannot be used under torchrun: take the command `ablate run`")
    parser = _Parser(add_help=False, allow_abbrev=False)
    add_run_options(parser)
    add_out(parser)
    words = []
    for name, value in arguments.items():
        if value is not None and value is not False:
            option = f"--{name.replace('_', '-')}"
            words.append(option if value is True else f"{option}={value}")
    options = parser.parse_args(words)
    studies = list(study) if isinstance(study, Sequence) and not isinstance(study, str) else [study]
    if not studies:
        raise InputError("no study: name at least one; `ablate list` in a terminal lists those of the package")
    options.studies = [_check_study(item) for item in studies]
    for name, count in Counter(item.name for item in studies if isinstance(item, Study)).items():
        if count > 1:
            raise InputError(f"two studies have the name {name!r}: give one of them another name")
    options.command = perform_run
    return options


def _check_study(study: Any) -> str | Study:
    if isinstance(study, Study):
        _check_declared(study)
        return study
    if isinstance(study, str | os.PathLike):
        try:
            return expand_home(os.fspath(study))
        except argparse.ArgumentTypeError as error:
            raise InputError(str(error)) from error
    kind = type(study).__name__
    raise InputError(
        f"study is of type {kind}: expected a Study, a name such as 'relu', a path that ends in .py, or a list"
    )


def _check_declared(study: Study) -> None:
    """Raise InputError if a study that no file holds has no name of its own, or is invalid."""
    name, advice = study.name, "write Study(name='my_study', ...), or name its file"
    if not name:
        raise InputError(f"the study that asks {study.question!r} has no name: {advice}")
    if name != printable(name) or name.endswith(".py") or name in study_names():
        raise InputError(f"a study has the name {name!r}, which names a file or a study of the package: {advice}")
    try:
        adapter(Study).validate_python(study)
    except ValidationError as error:
        raise InputError(f"study {name} cannot be used: {describe_invalid(error)}") from error


def _in_words_of_call(message: str) -> str:
    """Name arguments of the call where a message names options of `ablate run`, but leave other commands whole."""
    clauses = message.split(": ")
    return ": ".join(clause if "ablate " in clause else OPTION.sub(_argument, clause) for clause in clauses)


def _argument(option: re.Match[str]) -> str:
    return write_argument(option[0]) if option[2] else option[1].replace("-", "_")


@contextmanager
def _hide_script() -> Iterator[None]:
    """Keep worker processes from importing the script that runs, which would run the studies again."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _restore_process() -> Iterator[None]:
    """Set the variables that a run needs unless they are set; remove them and a study file's finder afterwards."""
    variables = {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}
    os.environ |= variables
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        if BesideFinder in sys.meta_path:  # it would give a cell an earlier text of a module
            sys.meta_path.remove(BesideFinder)


@contextmanager
def _handle_interrupt() -> Iterator[None]:
    """Make the first interrupt stop the run as a signal stops the command, and later ones wait until it has stopped."""
    if threading.current_thread() is not threading.main_thread():  # which alone is interrupted
        yield
        return

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        signal.signal(number, lambda *_: None)
        raise Interrupted(number)

    earlier_handler = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier_handler)
