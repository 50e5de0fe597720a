"""Executes study files, and the modules of the package's studies, and collects the components that they declare."""

import importlib.util
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from threading import Timer
from types import ModuleType
from typing import NoReturn

import ablations
from bench.extensions.component import Component
from bench.extensions.loading import declaring
from bench.extensions.study_code import StudyCode, execute, read_study_code
from bench.spec.errors import InputError
from bench.system.text import printable

NOTICE_S = 10.0  # until slow code of a study file is named
_IMPORTED: dict[str, tuple[ModuleType, tuple[Component, ...]]] = {}  # studies of the package, by module name


def find_folder(name: str) -> str:
    """Return the folder of a study file, in which Python would look for modules first, or that of the package."""
    return str(Path(name).resolve().parent) if name.endswith(".py") else ablations.__path__[0]


def import_module(name: str) -> tuple[ModuleType, tuple[Component, ...]]:
    """Import a study of the package; return it and what it declared when it was first imported."""
    if name not in _IMPORTED:
        spec = importlib.util.find_spec(name)
        assert spec and spec.origin, "a study of the package has a file"
        public_names = dict(vars(ablations))
        with declaring(read_study_code(spec.origin)) as components:
            _IMPORTED[name] = importlib.import_module(name), tuple(components)
        vars(ablations).update(public_names)  # a study's module may have the name of a decorator
    return _IMPORTED[name]


def run_file(name: str) -> tuple[ModuleType, tuple[Component, ...]]:
    """Run a study file; return it and what it declares."""
    return run_code(read_study_code(name))


def run_code(code: StudyCode) -> tuple[ModuleType, tuple[Component, ...]]:
    """Run a study file's text as a module that, like a script, may import files beside it."""
    earlier_path = list(sys.path)
    sys.path.insert(0, find_folder(code.file))
    try:
        with guard_process(f"loading {code.file}"), declaring(code) as components:
            module = execute(code)
    finally:  # imports inside its functions look there too, but no library is taken from there
        sys.path = [*earlier_path, *(folder for folder in sys.path if folder not in earlier_path)]
    return module, tuple(components)


@contextmanager
def guard_process(action: str) -> Iterator[None]:
    """Keep a study file from ending the command in silence by `os._exit`, from reading its input, or hanging unseen.

    The working folder is restored at the end, since the output folder may be relative to it.
    """
    process, exit_process, earlier_input, earlier_folder = os.getpid(), os._exit, sys.stdin, os.getcwd()

    def refuse_exit(status: int) -> NoReturn:
        if os.getpid() != process:  # of a process that the file has started
            exit_process(status)
        raise SystemExit(f"os._exit({status})")

    notice = Timer(NOTICE_S, lambda: print(f"ablate: still {printable(action)}", file=sys.stderr))
    notice.daemon = True
    os._exit, sys.stdin = refuse_exit, io.StringIO()  # type: ignore[assignment]
    notice.start()
    try:
        yield
    finally:
        notice.cancel()
        os._exit, sys.stdin = exit_process, earlier_input
        os.chdir(earlier_folder)


def check_helpers(folders: Sequence[str]) -> None:
    """Raise InputError if study files have different modules of one name beside them: all would get the same one."""
    for name in [name for name in sys.modules if len(folders) > 1 and "." not in name]:
        specs = [PathFinder.find_spec(name, [folder]) for folder in folders]
        files = [spec.origin for spec in specs if spec and spec.origin]
        if len(files) > 1 and _origin(name) in files:
            raise InputError(f"{' and '.join(files)} have the same name: rename one, or run their studies separately")


def _origin(module_name: str) -> str | None:
    return getattr(getattr(sys.modules[module_name], "__spec__", None), "origin", None)
