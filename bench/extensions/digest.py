"""Digest of the code that defines a component: its statement, and all that the statement uses, as a syntax tree.

Comments, docstrings, layout, the order of imports and all that the component does not use leave it alone.
"""

import ast
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.extensions.names import (
    ASSIGNMENTS,
    DEFINITIONS,
    IMPORTS,
    assigned_names,
    changed_names,
    identifiers,
    mentioned_names,
)
from bench.extensions.study_code import PACKAGES, StudyCode

DIGITS = 16
DYNAMIC = {"globals", "locals", "vars()", "sys.modules", "exec", "eval"}  # reach names that no syntax tree shows
HOOKS = {"__init_subclass__", ".__subclasses__", "metaclass="}  # tell a class of its subclasses


class Definition(NamedTuple):
    """The code that defines a component.

    Attributes:
        digest: Hexadecimal digits of its syntax tree.
        source: Its text: statements of the study file, then the modules beside it that they import.
    """

    digest: str
    source: str


def define(code: StudyCode, line: int) -> Definition:
    """Return the definition of the component that a line of a study file declares.

    Args:
        code: The study file.
        line: Number of a line, from 1, of the top-level statement that declares the component.
    """
    nodes = [node for node in ast.parse(code.text).body if not _is_main_guard(node)]
    statements = [part for node in nodes for part in _split_import(node)]
    declaring = {node for node in statements if _first_line(node) <= line <= (node.end_lineno or 0)}
    used_nodes = _select_used(code, statements, declaring)
    modules = {module.name: module.text for node in used_nodes for module in code.find_modules(node)}
    imports = [node for node in used_nodes if isinstance(node, IMPORTS)]
    trees = [_canonical(node) for node in sorted(imports, key=lambda node: min(assigned_names(node)))]
    trees += [_canonical(node) for node in used_nodes if not isinstance(node, IMPORTS)]
    trees += [[name, _canonical(ast.parse(text))] for name, text in sorted(modules.items())]
    lines = code.text.splitlines()
    places = dict.fromkeys((_first_line(node) - 1, node.end_lineno) for node in used_nodes)
    parts = ["\n".join(lines[first:end]) for first, end in places]
    parts += [f"# module {name}\n{text}" for name, text in sorted(modules.items())]
    return Definition(hashlib.sha256(json.dumps(trees).encode()).hexdigest()[:DIGITS], "\n\n".join(parts))


def _split_import(node: ast.stmt) -> list[ast.stmt]:
    """Return an import of several names as one import of each, so that each counts only where it is used."""
    if isinstance(node, ast.Import):
        return [ast.copy_location(ast.Import([alias]), node) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node) for alias in node.names]
    return [node]


def _select_used(code: StudyCode, statements: list[ast.stmt], declaring: set[ast.stmt]) -> list[ast.stmt]:
    """Return the statements that a component rests on, in their order: all if the file makes names out of text."""
    if DYNAMIC & set[str]().union(*map(identifiers, statements)):
        return statements
    uses = _Uses(code, statements)
    used_names = _follow(set[str]().union(*(uses.mentioned[node] for node in declaring)), uses.forward)
    while True:
        used_nodes = uses.find_statements(used_names, declaring)
        names = _follow(used_names.union(*(uses.mentioned[node] for node in used_nodes)), uses.forward)
        if names == used_names:
            return used_nodes
        used_names = names


class _Uses:
    """Which statements of a study file bind, mention and may change which of its names.

    Attributes:
        mentioned: Names in each statement.
        forward: The names that each name's own statements mention.
        backward: The names whose statements mention a name.
    """

    def __init__(self, code: StudyCode, statements: list[ast.stmt]) -> None:
        words = set[str]().union(*map(identifiers, (*statements, *(ast.parse(module.text) for module in code.modules))))
        self.assigned = {node: assigned_names(node) for node in statements}
        known_names = set[str]().union(*self.assigned.values())
        self.mentioned = {node: mentioned_names(node) & known_names for node in statements}
        self.changed = {node: changed_names(node, with_bases=bool(words & HOOKS)) for node in statements}
        self.forward, self.backward = _link(self.assigned, self.mentioned), _link(self.mentioned, self.assigned)
        self.beside = {node for node in statements if isinstance(node, IMPORTS) and code.find_modules(node)}
        elsewhere = {node for node in statements if isinstance(node, IMPORTS)} - self.beside
        self.imported = set[str]().union(*(self.assigned[node] for node in elsewhere))
        libraries = set[str]().union(*(self.assigned[node] for node in elsewhere if not _is_project(node)))
        functions = {node.name for node in statements if isinstance(node, ast.FunctionDef)}
        self.libraries = libraries | (_follow(libraries, self.backward) & functions)

    def find_statements(self, used_names: set[str], declaring: set[ast.stmt]) -> list[ast.stmt]:
        """Return the statements that declare, bind or may change what is used, or that call or change a library."""
        affecting = _follow(used_names, self.backward)
        own_affecting = _follow(used_names - self.imported, self.backward)
        used_nodes = []
        for node, assigned in self.assigned.items():
            is_used = node in declaring or "*" in assigned or bool(used_names & assigned)
            if isinstance(node, IMPORTS):  # a module beside the file may be imported for what it does
                is_used |= node in self.beside and all(
                    assigned.isdisjoint(names) for other, names in self.mentioned.items() if other is not node
                )
            elif isinstance(node, DEFINITIONS):
                is_used |= bool(own_affecting & self.changed[node])
            else:
                is_used |= bool(self.libraries & self.changed[node])
                is_used |= not isinstance(node, ASSIGNMENTS) and bool(affecting & self.mentioned[node])
            used_nodes += [node] * is_used
        return used_nodes


def _link(ends: Mapping[ast.stmt, set[str]], others: Mapping[ast.stmt, set[str]]) -> dict[str, set[str]]:
    """Return for each name of the former sets the names of the latter sets of the same statements."""
    links: dict[str, set[str]] = {}
    for node, names in ends.items():
        for name in names:
            links.setdefault(name, set()).update(others[node])
    return links


def _follow(names: set[str], links: Mapping[str, set[str]]) -> set[str]:
    """Return the names that links lead to, these included."""
    found, pending = set(names), list(names)
    while pending:
        more = links.get(pending.pop(), set()) - found
        found |= more
        pending += more
    return found


def _is_project(node: ast.stmt) -> bool:
    """Whether an import is one of this project's packages, which study files use for their claims."""
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in getattr(node, "names", ())]
    return all(name.partition(".")[0] in PACKAGES for name in modules)


def _is_main_guard(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`, which is never true here, without else."""
    return isinstance(node, ast.If) and not node.orelse and ast.unparse(node.test) == "__name__ == '__main__'"


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _canonical(value: Any) -> Any:
    """Return a syntax tree as JSON values, without docstrings, places and fields that are empty."""
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if not isinstance(value, ast.AST):
        return f"{type(value).__name__} {value!r}"
    fields = {name: field for name, field in ast.iter_fields(value) if field not in (None, []) and name != "kind"}
    if isinstance(value, (*DEFINITIONS, ast.Module)) and ast.get_docstring(value, clean=False) is not None:
        fields["body"] = fields["body"][1:]
    return [type(value).__name__, {name: _canonical(field) for name, field in fields.items()}]
