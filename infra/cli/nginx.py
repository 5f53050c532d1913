"""`slipway nginx render`: the configuration of the nginx in front of a stack's cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.lifecycle import Stack
from infra.errors import EXIT_FAILED

app = typer.Typer(help="The nginx in front of a stack's cluster.", no_args_is_help=True)


@app.callback()
def nginx() -> None:
    """The nginx in front of a stack's cluster."""


@app.command()
def render(
    stack: Stack,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where nginx.conf goes.")] = Path(
        "build/nginx"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 on a difference.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that slipway did not make.")] = False,
) -> None:
    """Render nginx.conf, which nginx -t has accepted on this machine before it is written."""
    from infra import nginx as files
    from infra.render.nginx import FILE
    from infra.settings import check as checking

    text = files.checked(checking.load(stack, secrets=False))
    if check:
        if files.differs(text, to):
            typer.echo(f"differs {to / FILE}")
            typer.echo(f"  → slipway nginx render {stack} --to {to}", err=True)
            raise typer.Exit(EXIT_FAILED)
    elif files.write(text, to, force=force):
        typer.echo(f"wrote {to / FILE}")
