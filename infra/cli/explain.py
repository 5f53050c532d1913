"""`slipway explain`: every value of a stack, which layer it comes from, and what the key means."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli import values
from infra.errors import EXIT_USAGE, UserError
from infra.names import PROJECT

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from infra.settings.flaw import Flaw
    from infra.settings.provenance import Provenance, Secret, Value

SECRETS = "secrets"


def explain(
    stack: Annotated[str, typer.Argument(help="The stack: sandbox, or <team>-<env>.")],
    key: Annotated[
        str | None, typer.Argument(help="A section (service), a value (service.pool.size), or secrets.")
    ] = None,
    only_set: Annotated[bool, typer.Option("--set", help="Only what a file sets.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show each resolved value of a stack and where it comes from; with KEY its whole story."""
    from infra.settings.provenance import trace

    found = trace(stack)
    wanted = found.values, found.secrets
    if key is not None:
        wanted = chosen(found, key)
    shown = tuple(value for value in wanted[0] if value.is_set or not only_set)
    secrets = tuple(secret for secret in wanted[1] if secret.is_set or not only_set)
    if as_json:
        typer.echo(json.dumps(_plain(found, shown, secrets), indent=2, ensure_ascii=False))
    elif len(wanted[0]) == 1 and not secrets:
        _story(found, wanted[0][0])
    else:
        _overview(found, shown, secrets, only_secrets=not wanted[0])


def chosen(found: Provenance, key: str) -> tuple[tuple[Value, ...], tuple[Secret, ...]]:
    """The values and secrets that a key names. Raises UserError with a near miss for an unknown key."""
    wanted = bare(key)
    inside = f"{wanted}."
    below = tuple(each for each in found.values if f"{each.leaf.key}.".startswith(inside))
    secrets = tuple(each for each in found.secrets if f"{SECRETS}.{each.name}.".startswith(inside))
    if not wanted or not (below or secrets):
        raise _unknown(found, key, wanted)
    return below, secrets


def bare(key: str) -> str:
    """A key as the model has it: ``slipway:service.allowed_origins[0]`` → ``service.allowed_origins``."""
    return re.sub(r"\[\d+\]", "", key.strip().removeprefix("config.").removeprefix(f"{PROJECT}:")).strip(".")


def _unknown(found: Provenance, key: str, wanted: str) -> UserError:
    from infra.settings import leaves, messages

    keys = [value.leaf.key for value in found.values]
    names = [*keys, *leaves.sections(), SECRETS, *(f"{SECRETS}.{each.name}" for each in found.secrets)]
    ends = [name for name in names if name.endswith(f".{wanted}")] if wanted else []
    guess = f"; did you mean {values.rounded(ends)}?" if ends else messages.near_miss(wanted, names)
    remedy = f"{PROJECT} explain {found.stack} lists every key"
    return UserError.of(messages.quote(key), f"unknown key{guess}", remedy, exit_code=EXIT_USAGE)


def _plain(found: Provenance, shown: Sequence[Value], secrets: Sequence[Secret]) -> dict[str, Any]:
    names = {secret.name.value for secret in secrets}
    return {
        "stack": str(found.stack),
        "files": {source.value: file for source, file in found.files},
        "problems": [flaw.plain() for flaw in found.problems],
        "notes": [flaw.plain() for flaw in found.notes],
        "values": [{**values.plain(value), **_plain_effects(found, value)} for value in shown],
        SECRETS: [each for each in values.plain_secrets(found) if each["name"] in names],
    }


def _plain_effects(found: Provenance, value: Value) -> dict[str, Any]:
    from infra.settings import effects

    if found.settings is None:
        return {}
    path = value.leaf.path
    rules = [
        {"rule": item.rule, "reason": item.reason, "with": [".".join(key) for key in item.beside(path)]}
        for item in effects.weighing(found.settings, path)
    ]
    return {"effects": list(effects.effects(found.settings, path)), "rules": rules}


def _say_first(console: Console, found: Provenance) -> None:
    console.print(f"{found.stack}: {values.files(found)}", soft_wrap=True)
    if warning := values.warning(found):
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)


def _overview(
    found: Provenance, shown: Sequence[Value], secrets: Sequence[Secret], *, only_secrets: bool
) -> None:
    console = values.console()
    _say_first(console, found)
    if not only_secrets:
        console.print(_table(shown))
    if secrets:
        console.print(_secret_table(secrets, meanings=only_secrets))
    if not shown and not secrets:
        console.print("No file sets any of these.")
    sections = {value.leaf.path[0] for value in shown}
    for note in found.notes:
        if bare(note.key).partition(".")[0] in sections:
            console.print(
                values.wrapped([f"note: {bare(note.key)}: {note.what}"], console.width), soft_wrap=True
            )
    if any(secret.wanted and not secret.is_set for secret in secrets):
        console.print(f"How to make what is missing: {PROJECT} check {found.stack}", soft_wrap=True)


def _table(shown: Sequence[Value]) -> Table:
    """Keys below their section; what no file sets is dim."""
    from rich.text import Text

    table = values.grid("key", "value", "source")
    for section, members in groupby(shown, key=lambda value: value.leaf.path[0]):
        group = list(members)
        if group[0].leaf.path != (section,):
            table.add_row(Text(section, style="bold"))
        for value in group:
            key = "  " + ".".join(value.leaf.path[1:]) if value.leaf.path[1:] else section
            style = "" if value.is_set else "dim"
            cells = (key, values.text(value.effective), values.source(value))
            table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def _secret_table(secrets: Sequence[Secret], *, meanings: bool) -> Table:
    from rich.text import Text

    table = values.grid("secret", "state", "source", "rotated", *(["what it is"] if meanings else []))
    for each in secrets:
        place = f"file:{each.line}" if each.line else "-"
        cells = [each.name.value, each.state, place, each.rotated.isoformat() if each.rotated else "-"]
        if meanings:
            cells.append(each.name.meaning)
        table.add_row(*(Text(cell, style="bold red" if cell == "missing" else "") for cell in cells))
    return table


def _story(found: Provenance, value: Value) -> None:
    """One value: its layers, its documentation, what reads it."""
    console = values.console()
    _say_first(console, found)
    heading = [
        "",
        f"{value.leaf.key} = {values.text(value.effective)}",
        *([f"null, so it is {value.follows[1]}"] if value.follows else []),
        value.leaf.description,
        "",
    ]
    meaning = [
        "",
        f"  {'in a file':10} {PROJECT}:{value.leaf.key}",
        *(f"  {name:10} {said}" for name, said in values.allowed(value.leaf)),
        *_consequences(found, value),
    ]
    console.print(values.wrapped(heading, console.width), soft_wrap=True)
    console.print("\n".join(_chain(value)), soft_wrap=True)
    console.print(values.wrapped(meaning, console.width), soft_wrap=True)
    for flaw in _flaws(found, value):
        console.print(f"\n{flaw}", soft_wrap=True)


def _chain(value: Value) -> list[str]:
    """Each layer with its place and its value, the model's default first."""
    width = max(len(step.place) for step in value.steps)
    rows = []
    for step, fresh in value.contributions():
        said = values.text(step.value)
        if step.file:
            joins = value.leaf.list_rule == "union"
            said = f"adds {values.text(list(fresh))}" if joins else f"sets {said}"
        rows.append(f"  {step.place:{width}}  {said}")
    return rows


def _consequences(found: Provenance, value: Value) -> list[str]:
    """What the value does in this stack, and the rules that read it with the values they hold it against."""
    from infra.settings import effects

    if found.settings is None:
        return []
    path, lines = value.leaf.path, []
    if said := effects.effects(found.settings, path):
        lines += ["", *said]
    if weighed := effects.weighing(found.settings, path):
        lines += ["", "Rules that read it in this stack:"]
    for rule in weighed:
        lines.append(f"  {rule.rule}: {rule.reason}")
        beside = [found.value(key) for key in rule.beside(path)]
        if beside:
            others = ", ".join(f"{each.leaf.key} {values.text(each.effective)}" for each in beside)
            lines.append(f"    with {others}")
    return lines


def _flaws(found: Provenance, value: Value) -> list[Flaw]:
    """The check's problems with this key or with what it stands in, and the notes on its section."""
    inside = f"{value.leaf.key}."
    mine = [flaw for flaw in found.problems if flaw.key and inside.startswith(f"{bare(flaw.key)}.")]
    notes = [note for note in found.notes if bare(note.key).partition(".")[0] == value.leaf.path[0]]
    return [*mine, *notes]
