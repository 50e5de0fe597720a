"""Digest of the code that defines a component: its statement, and all that the statement uses, as a syntax tree.

Comments, docstrings, layout and everything that the component does not use leave it alone.
"""

import ast
import hashlib
import json
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
    statements = ast.parse(code.text).body
    declaring = next(node for node in statements if _first_line(node) <= line <= (node.end_lineno or 0))
    used_nodes = _select_used(statements, declaring)
    modules = {module.name: module.text for node in used_nodes for module in code.find_modules(node)}
    trees = [_canonical(node) for node in used_nodes]
    trees += [[name, _canonical(ast.parse(text))] for name, text in sorted(modules.items())]
    lines = code.text.splitlines()
    parts = ["\n".join(lines[_first_line(node) - 1 : node.end_lineno]) for node in used_nodes]
    parts += [f"# module {name}\n{text}" for name, text in sorted(modules.items())]
    return Definition(hashlib.sha256(json.dumps(trees).encode()).hexdigest()[:DIGITS], "\n\n".join(parts))


def _select_used(statements: list[ast.stmt], declaring: ast.stmt) -> list[ast.stmt]:
    """Return the statements that a component rests on, in their order.

    They are the one that declares it; those that only bind a name, if it is used; and every other statement, such as a
    call or an assignment to an attribute, if it reaches a name that is used, since it may change what that name means.
    """
    bound_names = set().union(*(_bound(node) for node in statements if _only_binds(node)))
    names_of = {node: _mentioned(node) & bound_names for node in statements}

    def reach(start: ast.stmt) -> set[str]:
        names = set(names_of[start])
        while (
            more := set()
            .union(*(names_of[node] for node in statements if _only_binds(node) and not names.isdisjoint(_bound(node))))
            .difference(names)
        ):
            names |= more
        return names

    used_names = reach(declaring)
    while True:
        used_nodes = [
            node
            for node in statements
            if node is declaring
            or not used_names.isdisjoint(_bound(node) if _only_binds(node) else reach(node))
            or "*" in _bound(node)
        ]
        names = used_names.union(*(reach(node) for node in used_nodes))
        if names == used_names:
            return used_nodes
        used_names = names


def _only_binds(node: ast.stmt) -> bool:
    """Whether a statement only binds names: a definition, an import, or an assignment to names."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    is_assignment = isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
    return isinstance(node, DEFINITIONS + IMPORTS) or (is_assignment and all(map(_is_name, targets)))


def _is_name(target: ast.expr | None) -> bool:
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    return all(isinstance(part, ast.Name | ast.Starred) for part in parts)


def _bound(node: ast.stmt) -> set[str]:
    """Return the names that a definition, import or assignment binds."""
    if isinstance(node, DEFINITIONS):
        return {node.name}
    if isinstance(node, IMPORTS):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _mentioned(node: ast.stmt) -> set[str]:
    """Return all names in a statement, whatever their scope."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    nested = [part for part in ast.walk(node) if isinstance(part, DEFINITIONS + IMPORTS)]
    return names.union(*map(_bound, nested))


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
