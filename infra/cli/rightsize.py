"""`slipway rightsize`: requests and limits from what a stack's containers have used."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.lifecycle import Stack
from infra.errors import EXIT_USAGE, UserError

if TYPE_CHECKING:
    from infra.capacity.report import Report

WINDOW = re.compile(r"(\d{1,4})([hd])")
MOST_HOURS = 30 * 24


class Format(StrEnum):
    """For whom is the report?"""

    TEXT = "text"
    JSON = "json"


def rightsize(
    stack: Stack = "sandbox",
    window: Annotated[str, typer.Option("--window", help="The time to look at: 24h, 7d.")] = "24h",
    wanted: Annotated[Format, typer.Option("--format", help="text, or json for scripts.")] = Format.TEXT,
) -> None:
    """Compare what containers ask for with what they used, and print the lines for the stack file."""
    from infra import alerting
    from infra.capacity import measured, report
    from infra.settings import check

    hours = _hours(window)
    settings = check.load(stack, secrets=False)
    where = alerting.place(stack)
    found = report.made(settings, measured.uses(where, settings, hours, datetime.now(UTC)), hours)
    if wanted is Format.JSON:
        typer.echo(json.dumps(report.as_data(found), indent=2, ensure_ascii=False))
    else:
        show(found)


def _hours(window: str) -> int:
    found = WINDOW.fullmatch(window)
    hours = int(found[1]) * (24 if found[2] == "d" else 1) if found else 0
    if not 1 <= hours <= MOST_HOURS:
        what = f"{window!r} is no time from 1h to {MOST_HOURS // 24}d"
        raise UserError.of("--window", what, "write it as 24h or 7d", exit_code=EXIT_USAGE)
    return hours


def show(found: Report) -> None:
    """The report as text: the table, then why, then what to write."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not found.rows:
        console.print(f"Nothing of {found.stack} was measured within {found.hours} h.")
        return
    columns = ("container", "CPU p95", "request", "memory max", "request", "limit")
    table = Table(*columns, box=None, title=f"what {found.stack} used within {found.hours} h")
    for row in found.rows:
        old, new = row.requested, row.proposal.resources
        table.add_row(
            row.container,
            f"{row.use.cpu:.0f}m",
            _step(old.cpu_request, new.cpu_request),
            f"{row.use.memory / (1 << 20):.0f}Mi",
            _step(old.memory_request, new.memory_request),
            _step(old.memory_limit, new.memory_limit),
        )
    console.print(table)
    _reasons(found)


def _step(old: str, new: str) -> str:
    return old if old == new else f"{old} → {new}"


def _reasons(found: Report) -> None:
    from infra.settings import document, layers

    typer.echo()
    for row in {row.key: row for row in found.rows}.values():
        typer.echo(f"{'.'.join(row.key)}: {'; '.join(row.proposal.reasons)}")
    for row in found.rows:
        if row.note:
            typer.echo(f"note: {row.container}: {row.note}")
    if found.unmeasured:
        typer.echo(f"not measured in that time: {', '.join(found.unmeasured)}")
    if found.lines:
        file = document.display(layers.stack_file(found.stack))
        typer.echo(f"\nInto {file}, then slipway up {found.stack}:\n{found.lines}")
    else:
        typer.echo("\nNothing to change.")
