"""`ablate new`: writes a first study, over the factors that a network declares or over AlexNet's."""

import argparse
import keyword
import os
import shlex
import sys
from pathlib import Path
from types import ModuleType

from rich.console import Console

from ablations import Study
from ablations.framework.discovery import describe_failure
from ablations.framework.study_files import run_code
from bench.components.networks import NETWORKS
from bench.extensions.component import Component
from bench.extensions.factors import read_factors
from bench.extensions.study_code import gather_study_code
from bench.spec.config import ALEXNET
from bench.spec.errors import InputError, Interrupted
from bench.spec.fields import list_names
from bench.system import files
from commands.study_template import NetworkFunction, render_study
from reports.text.formatting import pluralize

DEFAULT_SIZE = 32  # pixels


def write_study(options: argparse.Namespace, console: Console) -> int:
    """Write the study, and print what to run next; return the exit status."""
    file: Path = options.file
    if file.suffix != ".py":
        raise InputError(f"{file}: a study file ends in .py")
    if os.path.lexists(file):
        raise InputError(f"{file} exists already: choose another name")
    if not file.parent.is_dir():
        raise InputError(f"folder {file.parent} not found: create it first")
    if options.size is not None and not options.network:
        raise InputError("--size is the size of a network's input: name the network with --network MODULE:FUNCTION")
    function = _find_network(file, options.network, options.size) if options.network else None
    text = render_study(function, options.design)
    study: Study = _run(file, text, str(file))[0].STUDY
    try:
        files.write(file, text.encode())
    except OSError as error:
        raise InputError(f"{file} cannot be written ({error.strerror}): choose another name or folder") from error
    counts = f"{pluralize(len(study.claims), 'claim')} over {pluralize(len(study.arms), 'arm')}"
    console.print(f"{file}: {counts}. Edit its question and its margin, then:")
    command, name = shlex.quote(sys.argv[0]), shlex.quote(str(file))
    console.print(f"  {command} plan {name}  # jobs and time")
    console.print(f"  {command} run {name} --profile smoke  # under a minute: does everything run?")
    console.print(f"  {command} run {name} --profile quick  # verdicts")
    return 0


def _find_network(file: Path, place: str, size: int | None) -> NetworkFunction:
    """Import a network's module, from beside the study file or from the installed packages, and read its factors."""
    module_name, _, name = place.partition(":")
    parts = [*module_name.split("."), name]
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        raise InputError(f"--network is {place!r}: expected MODULE:FUNCTION, such as mynet:build")
    if parts[0] == file.stem:
        raise InputError(f"{file} would hide the module {parts[0]}: choose another name")
    text = f"import {module_name}\n"
    _, components = _run(file, text, f"module {module_name}")
    module = sys.modules[module_name]
    build = getattr(module, name, None)
    if not callable(build):
        functions = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module_name]
        raise InputError(f"module {module_name} has no function {name!r}; it has {list_names(functions) or 'none'}")
    declared = [c for c in components if c.kind == "network" and NETWORKS[c.qualified_name].build is build]
    if declared and size is not None:
        raise InputError(f"{place} is declared with size {declared[0].size} in its module: leave out --size")
    is_beside = bool(gather_study_code(str(file), text).modules)
    if declared:
        return NetworkFunction(module_name, name, is_beside, declared[0].name, declared[0].factors, None)
    network, factors = name if name != ALEXNET else f"own {name}", read_factors(build, place)
    return NetworkFunction(module_name, name, is_beside, network, factors, DEFAULT_SIZE if size is None else size)


def _run(file: Path, text: str, subject: str) -> tuple[ModuleType, tuple[Component, ...]]:
    """Run a study file's text; raise InputError, which names the subject, if that fails."""
    folder = str(file.parent.resolve())
    try:
        return run_code(gather_study_code(str(file), text))
    except InputError as error:
        raise InputError(f"{subject}: {error}") from error
    except Interrupted:
        raise
    except ModuleNotFoundError as error:
        if error.name and text.startswith(f"import {error.name}"):
            raise InputError(f"module {error.name} not found in {folder}, nor among the installed packages") from error
        raise InputError(f"{subject} cannot be imported: {describe_failure(error, folder)}") from error
    except BaseException as error:  # not every exception that a module may raise is an Exception
        raise InputError(f"{subject} cannot be imported: {describe_failure(error, folder)}") from error
