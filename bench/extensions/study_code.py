"""A study file as text, with the modules beside it that it imports: read once, executed here and in every worker."""

import ast
import os
import sys
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import ExecutionLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import bench
from bench.system.text import printable

PROJECT, PACKAGES = Path(bench.__file__).parents[1], ("ablations", "bench", "commands", "reports")


@dataclass(frozen=True)
class BesideModule:
    """A module beside a study file: its dotted name, its file, and its text."""

    name: str
    file: str
    text: str

    @property
    def is_package(self) -> bool:
        """Whether it holds modules."""
        return Path(self.file).name == "__init__.py"


@dataclass(frozen=True)
class StudyCode:
    """A study file.

    Attributes:
        file: Its absolute path, which need not exist where the code is executed.
        text: Its text.
        modules: The modules beside it that it imports, directly or through each other.
    """

    file: str
    text: str
    modules: tuple[BesideModule, ...] = ()

    def find_modules(self, tree: ast.AST) -> list[BesideModule]:
        """Return the modules beside the file that a part of its syntax tree imports, sorted by name."""
        return _follow_imports(tree, {module.name: module for module in self.modules}.get)


def read_study_code(file: str) -> StudyCode:
    """Read a study file and the modules beside it that it imports.

    Raises:
        OSError: A file cannot be read.
        SyntaxError: A file is no Python.
    """
    return gather_study_code(file, _read(os.path.abspath(file)))


def gather_study_code(file: str, text: str) -> StudyCode:
    """Return a study file with this text, which need not exist, and the modules beside it that it imports.

    Raises:
        OSError: A module cannot be read.
        SyntaxError: The text or a module is no Python.
    """
    path = os.path.abspath(file)
    folder = Path(path).resolve().parent
    return StudyCode(path, text, tuple(_follow_imports(ast.parse(text, path), lambda name: _locate(folder, name))))


def execute(code: StudyCode) -> ModuleType:
    """Execute a study file as a module. What it imports from beside it comes from the texts that were read."""
    module = ModuleType(f"study file {printable(Path(code.file).stem)}".replace(".", " "))  # a dot would name a package
    module.__file__ = code.file
    sys.modules[module.__name__] = module  # where dataclasses and pickle look it up
    for beside in code.modules:
        if isinstance(_loader(beside.name), _TextLoader):
            del sys.modules[beside.name]  # an earlier execution in this process may have used another text
        BesideFinder.modules[beside.name] = beside
    if BesideFinder not in sys.meta_path:
        sys.meta_path.insert(0, BesideFinder)
    exec(compile(code.text, code.file, "exec", dont_inherit=True), vars(module))
    return module


class BesideFinder:
    """Finds the modules beside the study files that were executed, by their texts."""

    modules: ClassVar[dict[str, BesideModule]] = {}

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return the spec of one of these modules, as `sys.meta_path` requires."""
        if (module := cls.modules.get(name)) is None:
            return None
        places = [str(Path(module.file).parent)] if module.is_package else None
        return spec_from_file_location(name, module.file, loader=_TextLoader(), submodule_search_locations=places)


class _TextLoader(ExecutionLoader):
    def get_source(self, fullname: str) -> str:
        return BesideFinder.modules[fullname].text

    def get_filename(self, fullname: str) -> str:
        return BesideFinder.modules[fullname].file


def _loader(module_name: str) -> object:
    return getattr(getattr(sys.modules.get(module_name), "__spec__", None), "loader", None)


def _follow_imports(tree: ast.AST, locate: Callable[[str], BesideModule | None]) -> list[BesideModule]:
    """Return the located modules that a syntax tree imports, and those that they import, sorted by name."""
    located: dict[str, BesideModule] = {}
    pending = [(tree, "")]
    while pending:
        for name in _imported_names(*pending.pop()):
            for parent in accumulate(name.split("."), "{}.{}".format):
                module = located.get(parent) or locate(parent)
                if module is None:
                    break
                if parent not in located:
                    located[parent] = module
                    package = parent if module.is_package else parent.rpartition(".")[0]
                    pending.append((ast.parse(module.text, module.file), package))
    return [located[name] for name in sorted(located)]


def _imported_names(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield the dotted name of every module, or value of a module, that a tree of this package imports anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents: Sequence[str] = package.split(".") if node.level else []
            start = [*parents[: len(parents) - node.level + 1], *([node.module] if node.module else [])]
            yield from (".".join([*start, alias.name]) for alias in node.names)


def _locate(folder: Path, name: str) -> BesideModule | None:
    """Return the module of a dotted name in a folder, if it is there; a folder of modules is a package, too."""
    parts = name.split(".")
    if parts[0] in sys.builtin_module_names or (folder == PROJECT and parts[0] in PACKAGES):
        return None
    place = folder.joinpath(*parts)
    for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if os.path.isfile(file):
            return BesideModule(name, str(file), _read(file))
    has_modules = os.path.isdir(place) and any(place.glob("*.py"))
    return BesideModule(name, str(place / "__init__.py"), "") if has_modules else None


def _read(file: str | Path) -> str:
    with tokenize.open(file) as opened:  # in the encoding that it declares
        return opened.read()
