"""``slipway tools``: the pinned binaries, where each comes from, and their building ahead of time."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.errors import EXIT_USAGE, UserError
from infra.progress import Progress
from infra.sandbox import tools

app = typer.Typer(help="The pinned tools: from PATH, or built once into the cache.", no_args_is_help=True)


@app.command("build")
def build_tools(
    names: Annotated[list[str] | None, typer.Argument(help="Tools to build; all when none is named.")] = None,
) -> None:
    """Build what is missing; nothing is done for a tool that PATH has in the pinned version."""
    unknown = sorted(set(names or ()) - set(tools.NAMES))
    if unknown:
        remedy = f"known tools: {', '.join(tools.NAMES)}"
        raise UserError.of(
            "slipway tools build", f"no such tool: {', '.join(unknown)}", remedy, exit_code=EXIT_USAGE
        )
    for path in tools.ensure(names or tools.NAMES, Progress()).values():
        typer.echo(path)


@app.command("list")
def list_tools(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Every tool with its pinned version and the binary that slipway runs."""
    found = tools.describe()
    if as_json:
        typer.echo(json.dumps([asdict(status) for status in found], indent=2, default=str))
        return
    table = Table("tool", "version", "from", "path")
    for status in found:
        notes = [f"not used: {text}" for text in status.ignored]
        table.add_row(status.name, status.wanted, status.source, "\n".join([str(status.path or "-"), *notes]))
    Console().print(table)
