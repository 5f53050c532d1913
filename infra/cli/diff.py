"""`slipway diff`: what really differs between two stacks, and where each side has it from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli import values
from infra.errors import EXIT_FAILED

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from infra.settings.differences import Differences, ValueDifference
    from infra.settings.provenance import Provenance, Secret, Value


def diff(
    left: Annotated[str, typer.Argument(help="A stack.", metavar="STACK")],
    right: Annotated[str, typer.Argument(help="The stack to compare it with.", metavar="STACK")],
    everything: Annotated[
        bool, typer.Option("--all", help="Also values that are each stack's own name.")
    ] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit code 1 if they differ.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show the resolved values in which two stacks differ, and which layer each comes from."""
    from infra.settings.differences import differences
    from infra.settings.provenance import trace

    sides = trace(left), trace(right)
    found = differences(*sides)
    if as_json:
        typer.echo(json.dumps(_plain(sides, found, everything), indent=2, ensure_ascii=False))
    else:
        _show(sides, found, everything)
    differ = found.values or found.secrets or (everything and found.names)
    raise typer.Exit(EXIT_FAILED if exit_code and differ else 0)


def _plain(sides: tuple[Provenance, Provenance], found: Differences, everything: bool) -> dict[str, Any]:
    listed = (*found.names, *found.values) if everything else found.values
    return {
        "stacks": [str(side.stack) for side in sides],
        "files": [{source.value: file for source, file in side.files} for side in sides],
        "problems": [[flaw.plain() for flaw in side.problems] for side in sides],
        "values": [_plain_value(each) for each in listed],
        "secrets": [
            {"name": each.left.name.value, "left": each.left.state, "right": each.right.state}
            for each in found.secrets
        ],
        "count": len(listed) + len(found.secrets),
    }


def _plain_value(each: ValueDifference) -> dict[str, Any]:
    sides = {"left": values.plain(each.left), "right": values.plain(each.right)}
    kept = ("value", "source", "sources", "follows", "layers")
    items = {"only_left": list(each.gone), "only_right": list(each.come)}
    return {
        "key": each.key,
        **{side: {name: said[name] for name in kept} for side, said in sides.items()},
        **(items if isinstance(each.left.effective, list) else {}),
        "by_nature": each.by_nature,
    }


def _show(sides: tuple[Provenance, Provenance], found: Differences, everything: bool) -> None:
    console = values.console()
    for mark, side in zip("-+", sides, strict=True):
        console.print(f"{mark} {side.stack}: {values.files(side)}", soft_wrap=True)
        if warning := values.warning(side):
            console.print(f"warning: {warning}", style="yellow", soft_wrap=True)
    listed = (*found.names, *found.values) if everything else found.values
    if listed or found.secrets:
        console.print(_table(sides, listed, found))
    console.print(_count(len(listed), len(found.secrets)), soft_wrap=True)
    if found.names and not everything:
        names = ", ".join(each.key for each in found.names)
        console.print(
            f"Left out, since it is each stack's own name: {names} (--all shows it).", soft_wrap=True
        )


def _table(
    sides: tuple[Provenance, Provenance], listed: Sequence[ValueDifference], found: Differences
) -> Table:
    from rich.text import Text

    table = values.grid("key", *(f"{mark} {side.stack}" for mark, side in zip("-+", sides, strict=True)))
    for section, members in groupby(listed, key=lambda each: each.left.leaf.path[0]):
        group = list(members)
        if group[0].left.leaf.path != (section,):
            table.add_row(Text(section, style="bold"))
        for each in group:
            table.add_row(*_row(each))
    if found.secrets:
        table.add_row(Text("secrets", style="bold"))
    for pair in found.secrets:
        table.add_row(f"  {pair.left.name}", _secret(pair.left), _secret(pair.right))
    return table


def _row(each: ValueDifference) -> tuple[Text, Text, Text]:
    key = "  " + ".".join(each.left.leaf.path[1:]) if each.left.leaf.path[1:] else each.key
    if each.gone or each.come:
        left, right = _items("-", each.left, each.gone), _items("+", each.right, each.come)
        return _cells(key, each, left, right)
    return _cells(key, each, values.text(each.left.effective), values.text(each.right.effective))


def _cells(key: str, each: ValueDifference, left: str, right: str) -> tuple[Text, Text, Text]:
    from rich.text import Text

    sides = [
        Text.assemble(said, (f" ({values.source(side)})".lstrip(" " if not said else ""), "dim"))
        for said, side in ((left, each.left), (right, each.right))
    ]
    return Text(key), sides[0], sides[1]


def _items(mark: str, side: Value, items: Sequence[Any]) -> str:
    """A line for each item that only this side has; ``[]`` where it has none at all."""
    return "\n".join(f"{mark} {values.text(item)}" for item in items) or ("" if side.effective else "[]")


def _secret(secret: Secret) -> str:
    return f"{secret.state} (file:{secret.line})" if secret.line else secret.state


def _count(listed: int, secrets: int) -> str:
    named = ((listed, "value"), (secrets, "secret"))
    parts = [f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in named if count]
    if not parts:
        return "No difference."
    return f"{' and '.join(parts)} {'differs' if listed + secrets == 1 else 'differ'}."
