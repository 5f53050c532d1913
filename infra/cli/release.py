"""`slipway release | rollback | releases`: which version of the service has the traffic."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.lifecycle import Stack

if TYPE_CHECKING:
    from infra.releases.history import Done

AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


def release(
    stack: Stack = "sandbox",
    image: Annotated[
        str | None, typer.Option(metavar="REFERENCE", help="This image, with a tag or digest.")
    ] = None,
    git: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Of this commit, branch or tag; a sandbox builds it first."),
    ] = None,
) -> None:
    """Bring a version of the service to its users: tried, judged, then all the traffic; or back by itself.

    Without an option: what the stack's `images` says now; in a sandbox, what the code is now.
    """
    from infra.progress import Progress
    from infra.releases import choosing, run

    progress = Progress()
    chosen = choosing.image(stack, image, git, progress)
    run.release(stack, chosen, progress)
    typer.echo(f"{stack}: {chosen} has the traffic")
    typer.echo(f"Back again: slipway rollback {stack}; what was: slipway releases {stack}")


def rollback(
    stack: Stack = "sandbox",
    to: Annotated[
        int | None, typer.Option(metavar="N", help="That release, as `slipway releases` counts them.")
    ] = None,
) -> None:
    """Give the traffic back to the release before this one, at once while it is kept; or to another one."""
    from infra.progress import Progress
    from infra.releases import run

    image = run.rollback(stack, to, Progress())
    typer.echo(f"{stack}: {image} has the traffic")


def releases(stack: Stack = "sandbox", as_json: AsJson = False) -> None:
    """List the releases, the newest first: what, who, when, and how each ended."""
    from infra.releases import history

    found = history.releases(stack)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(done) for done in found], indent=2))
        return
    if not found:
        typer.echo(f"{stack}: nothing was released yet: slipway release {stack}")
        return
    _show(stack, found)


def _show(stack: str, found: list[Done]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "image", "by", "began", "took", "result", box=None, title=f"releases of {stack}")
    for done in found:
        began = datetime.fromisoformat(done.began).strftime("%Y-%m-%d %H:%M UTC")
        table.add_row(str(done.number), done.image, done.who, began, done.took, escape(done.result))
    Console().print(table)
