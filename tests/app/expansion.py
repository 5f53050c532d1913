"""Reads a revision's file, without running it: what the version before would not survive."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TypeVar

from app.migrations.phases import Phase, Revision

TAKES_AWAY = {
    "drop_column": "drops a column",
    "drop_table": "drops a table",
    "rename_table": "renames a table",
}
SQL = (
    (r"\bDROP\s+TABLE\b|\bTRUNCATE\b", "drops a table"),
    (
        r"\bALTER\s+TABLE\b[^;]*\bDROP\s+(?!CONSTRAINT|NOT\b|DEFAULT|IDENTITY|EXPRESSION)",
        "drops a column",
    ),
    (r"\bALTER\s+TABLE\b[^;]*\bRENAME\b", "renames"),
    (r"\bALTER\s+COLUMN\s+\S+\s+SET\s+NOT\s+NULL\b", "sets NOT NULL"),
    (r"\bALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE\b", "changes a type"),
    (r"\bADD\s+COLUMN\b(?![^;,]*\bDEFAULT\b)[^;,]*\bNOT\s+NULL\b", "adds NOT NULL without a default"),
)
Node = TypeVar("Node", bound=ast.AST)
FILLED = {"server_default"}  # of a column: rows that the version before inserts have a value
FILLED_BY = {"Computed", "Identity"}


def complaints(source: str) -> list[str]:
    """Line and deed of everything in ``upgrade`` that takes something from the version before. It follows
    functions of the same file; texts of SQL are looked at wherever the code that is reached names them."""
    tree = ast.parse(source)
    reached = list(_reached(tree, "upgrade"))
    found = [(line, deed) for function in reached for line, deed in _calls(function, reached)]
    found += [(line, deed) for text, line in _texts(tree, reached) for deed in _sql(text)]
    return [f"line {line} {deed}" for line, deed in sorted(set(found))]


def misplaced(line: tuple[Revision, ...], history: frozenset[str]) -> list[str]:
    """Contract revisions before an expand one that not every stack has behind it: whoever releases the later
    one would run the earlier before its time."""
    last = max((at for at, revision in enumerate(line) if revision.phase is Phase.EXPAND), default=0)
    early = [revision.id for revision in line[:last] if revision.phase is Phase.CONTRACT]
    return [revision for revision in early if revision not in history]


def _reached(tree: ast.Module, name: str) -> Iterator[ast.FunctionDef]:
    known = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    wanted, seen = [name], set[str]()
    while wanted:
        function = known.get(wanted.pop())
        if function is None or function.name in seen:
            continue
        seen.add(function.name)
        yield function
        wanted += [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]


def _calls(function: ast.FunctionDef, reached: list[ast.FunctionDef]) -> Iterator[tuple[int, str]]:
    for call in _nodes(function, ast.Call):
        name = _name(call)
        if name in TAKES_AWAY:
            yield call.lineno, TAKES_AWAY[name]
        elif name == "alter_column":
            yield from ((call.lineno, deed) for deed in _alters(call))
        elif name == "add_column":
            yield from ((line, "adds NOT NULL without a default") for line in _bare(call, reached))


def _alters(call: ast.Call) -> Iterator[str]:
    said = {keyword.arg: keyword.value for keyword in call.keywords}
    if "new_column_name" in said or "name" in said:
        yield "renames a column"
    if "type_" in said:
        yield "changes a type"
    if _is(said.get("nullable"), value=False) and _is(said.get("server_default", ast.Constant(None)), None):
        yield "sets NOT NULL"


def _bare(added: ast.Call, reached: list[ast.FunctionDef]) -> Iterator[int]:
    """Lines of the columns that the call may add and that the version before cannot fill: the one inside the
    call or, where it comes from elsewhere, any that is not part of a new table."""
    inside = [call for call in _nodes(added, ast.Call) if _name(call) == "Column"]
    new = {
        call
        for function in reached
        for table in _nodes(function, ast.Call)
        if _name(table) == "create_table"
        for call in _nodes(table, ast.Call)
    }
    everywhere = [call for function in reached for call in _nodes(function, ast.Call) if call not in new]
    for column in inside or [call for call in everywhere if _name(call) == "Column"]:
        said = {keyword.arg: keyword.value for keyword in column.keywords}
        filled = FILLED & set(said) or FILLED_BY & {_name(call) for call in _nodes(column, ast.Call)}
        if _is(said.get("nullable"), value=False) and not filled:
            yield column.lineno


def _texts(tree: ast.Module, reached: list[ast.FunctionDef]) -> Iterator[tuple[str, int]]:
    """Every text in the code that is reached, the file's constants that it names included."""
    names = {node.id for function in reached for node in _nodes(function, ast.Name)}
    constants = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and names & {target.id for target in node.targets if isinstance(target, ast.Name)}
    ]
    bodies = [part for function in reached for part in function.body if not _is_docstring(part)]
    for root in (*constants, *bodies):
        for node in ast.walk(root):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, node.lineno
            elif isinstance(node, ast.JoinedStr):
                yield "".join(_written(part) for part in node.values), node.lineno


def _sql(text: str) -> Iterator[str]:
    return (deed for pattern, deed in SQL if re.search(pattern, text, re.IGNORECASE))


def _written(part: ast.expr) -> str:
    """A part of an f-string; what is put in counts as a name."""
    return str(part.value) if isinstance(part, ast.Constant) else "x"


def _nodes(root: ast.AST, kind: type[Node]) -> Iterator[Node]:
    return (node for node in ast.walk(root) if isinstance(node, kind))


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
