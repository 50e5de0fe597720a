"""The names of a study file in one of its top-level statements: what it binds, mentions, and may change."""

import ast
from collections.abc import Iterable, Iterator

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
CAPTURES = {ast.MatchAs: "name", ast.MatchStar: "name", ast.MatchMapping: "rest"}


def assigned_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds in the file, or whose attributes or items it sets.

    A function counts for the names that it declares as `global`, too.
    """
    names = {part.target.id for part in ast.walk(node) if isinstance(part, ast.NamedExpr)}
    if isinstance(node, DEFINITIONS):
        return names | {node.name, *_global_names(node)}
    if isinstance(node, IMPORTS):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign):
        return names | _names(node.targets)
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return names | _names([node.target])
    return names | _bound_inside(node)


def mentioned_names(node: ast.stmt) -> set[str]:
    """Return all names in a statement, whatever their scope."""
    nested = [part for part in ast.walk(node) if isinstance(part, DEFINITIONS + IMPORTS)]
    return _names([node]).union(_bound_inside(node), *map(assigned_names, nested))


def changed_names(node: ast.stmt, with_bases: bool) -> set[str]:
    """Return the names whose values a statement may change when it is executed, beside those that it binds.

    They begin what it calls without using the result, its decorators, and the attributes and items that it sets.

    Args:
        node: A top-level statement.
        with_bases: Whether a class may change its base classes.
    """
    expressions: list[ast.expr] = []
    for part in _executed(node):
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            called = part.value
            by_builtin = isinstance(called.func, ast.Name) and called.func.id in ("setattr", "delattr")
            expressions += [called.func, *called.args[: int(by_builtin)]]
        elif isinstance(part, ast.withitem):
            expressions.append(part.context_expr)
        elif isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            expressions.append(part)
        elif isinstance(part, DEFINITIONS):
            expressions += part.decorator_list
        if isinstance(part, ast.ClassDef):
            expressions += [keyword.value for keyword in part.keywords] + part.bases * with_bases
    return {name for expression in expressions if (name := _root(expression))}


def identifiers(tree: ast.AST) -> set[str]:
    """Return the words of a tree: `name`, `.attribute`, `keyword=`; and `sys.modules` and `vars()` as such."""
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            words.add(node.name)
        elif isinstance(node, ast.Attribute):
            words |= {f".{node.attr}", f"{_root(node)}.{node.attr}"}
        elif isinstance(node, ast.keyword):
            words.add(f"{node.arg}=")
        elif isinstance(node, ast.Call) and not node.args:
            words.add(f"{_root(node)}()")
    return words


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a statement that run when the file is executed: all but the bodies of functions."""
    yield node
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for part in () if is_function else ast.iter_child_nodes(node):
        yield from _executed(part)


def _bound_inside(node: ast.stmt) -> set[str]:
    """Return the names that a compound statement, such as `if` or `try`, binds in the file."""
    names: set[str] = set()
    pending: list[ast.AST] = [] if isinstance(node, DEFINITIONS) else [node]
    while pending:
        part = pending.pop()
        names |= {part.id} if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) else set()
        names |= {captured} if (captured := getattr(part, CAPTURES.get(type(part), ""), None)) else set()
        names |= assigned_names(part) if isinstance(part, DEFINITIONS + IMPORTS) else set()
        pending += [] if isinstance(part, DEFINITIONS) else list(ast.iter_child_nodes(part))
    return names


def _global_names(node: ast.AST) -> set[str]:
    return {name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names}


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {part.id for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)}


def _root(expression: ast.expr) -> str:
    """Return the name that an expression begins with, as `a` of `a.b(c)[d]`; '' if it is none."""
    while isinstance(expression, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    return expression.id if isinstance(expression, ast.Name) else ""
