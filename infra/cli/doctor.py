"""`slipway doctor`: what this machine has, what is missing and how to get it."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def doctor(
    stack: Annotated[
        str, typer.Argument(help="The stack whose cluster this machine is to carry.")
    ] = "sandbox",
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Say exactly what is missing on this machine and how to get it; exit code 1 if anything is."""
    from rich.console import Console
    from rich.table import Table

    from infra import stack as stacks
    from infra.errors import EXIT_FAILED
    from infra.sandbox import doctor as machine
    from infra.sandbox import tools

    found = machine.problems(stacks.cluster(stack)) if stacks.is_sandbox(stack) else tools.problems()
    statuses = tools.describe()
    if as_json:
        described = [{"name": tool.name, "wanted": tool.wanted, "source": tool.source} for tool in statuses]
        problems = [{"where": p.where, "what": p.what, "remedy": p.remedy} for p in found]
        typer.echo(json.dumps({"tools": described, "problems": problems}, indent=2))
    else:
        table = Table("tool", "version", "from", title="Tools")
        for tool in statuses:
            table.add_row(
                tool.name, tool.wanted, "to be built by slipway up" if tool.path is None else tool.source
            )
        console = Console()
        console.print(table)
        console.print("\n".join(map(str, found)) or "Nothing is missing.", markup=False, soft_wrap=True)
    raise typer.Exit(EXIT_FAILED if found else 0)
