"""Digest of the code that defines a component: its statement, and all that the statement uses, as a syntax tree.

Comments, docstrings, layout, the order of imports and all that the component does not use leave it alone.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from bench.extensions.study_code import StudyCode

DIGITS = 16
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)


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
    statements = [part for node in ast.parse(code.text).body for part in _split_import(node)]
    declaring = {node for node in statements if _first_line(node) <= line <= (node.end_lineno or 0)}
    used_nodes = _select_used(statements, declaring)
    modules = {module.name: module.text for node in used_nodes for module in code.find_modules(node)}
    trees = sorted((_canonical(node) for node in used_nodes if isinstance(node, IMPORTS)), key=json.dumps)
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


def _select_used(statements: list[ast.stmt], declaring: set[ast.stmt]) -> list[ast.stmt]:
    """Return the statements that a component rests on, in their order.

    They are those that declare it; those that bind a name, if it is used; assignments to an attribute or item of a
    name that is used; and every other statement, such as a call, if it reaches a name that is used, since it may change
    what that name means.
    """
    assigned = {node: _assigned(node) for node in statements}
    known_names = set[str]().union(*assigned.values(), *map(_bound_inside, statements))
    mentioned = {node: _mentioned(node) & known_names for node in statements}

    def reach(names: set[str]) -> set[str]:
        """Add the names that the statements mention which assign these names, and so on."""
        more = names.union(
            *(mentioned[node] for node in statements if not names.isdisjoint(assigned[node] or _bound_inside(node)))
        )
        return names if more == names else reach(more)

    used_names = reach(set[str]().union(*(mentioned[node] for node in declaring)))
    while True:
        used_nodes = [
            node
            for node in statements
            if node in declaring or "*" in assigned[node] or used_names & (assigned[node] or reach(mentioned[node]))
        ]
        names = reach(used_names.union(*(mentioned[node] for node in used_nodes)))
        if names == used_names:
            return used_nodes
        used_names = names


def _assigned(node: ast.stmt) -> set[str]:
    """Return the names that a definition, import or assignment binds, or whose attributes or items it sets."""
    if isinstance(node, DEFINITIONS):
        return {node.name}
    if isinstance(node, IMPORTS):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign):
        return _names(node.targets)
    return _names([node.target]) if isinstance(node, ast.AnnAssign | ast.AugAssign) else set()


def _bound_inside(node: ast.stmt) -> set[str]:
    """Return the names that a compound statement, such as `if` or `try`, binds in the file."""
    names: set[str] = set()
    pending: list[ast.AST] = [] if isinstance(node, DEFINITIONS) else [node]
    while pending:
        part = pending.pop()
        names |= {part.id} if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) else set()
        names |= _assigned(part) if isinstance(part, ast.stmt) and isinstance(part, DEFINITIONS + IMPORTS) else set()
        pending += [] if isinstance(part, DEFINITIONS) else list(ast.iter_child_nodes(part))
    return names


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)}


def _mentioned(node: ast.stmt) -> set[str]:
    """Return all names in a statement, whatever their scope."""
    nested = [part for part in ast.walk(node) if isinstance(part, DEFINITIONS + IMPORTS)]
    return _names([node]).union(*map(_assigned, nested))


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
