"""`slipway up | preview | env | down`: Pulumi's own verbs with everything they need made ready first."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from infra.cli import status
from infra.errors import EXIT_FAILED

NEXT = """
Try next:
  curl {url}/health
  slipway demo {stack}               import a household ledger and read its summary
  slipway status {stack}             what runs, since when, what is wrong
  eval "$(slipway env {stack})"      plain pulumi and kubectl
The command stands in .venv/bin/slipway."""
Stack = Annotated[str, typer.Argument(help="The stack: sandbox, or <team>-<env>.")]


def up(stack: Stack = "sandbox") -> None:
    """Bring a stack up: on the sandbox, tools, images and the cluster first; then pulumi up."""
    from infra.launch import launch
    from infra.progress import Progress

    launch(stack, Progress())
    found = status.gather(stack)
    status.show(found)
    if not found.healthy:
        raise typer.Exit(EXIT_FAILED)
    typer.echo(NEXT.format(stack=stack, url=found.addresses.get("url", "")))


def preview(stack: Stack = "sandbox") -> None:
    """Show what `slipway up` would change; nothing is changed."""
    from infra import stack as stacks

    stacks.preview(stack)


def env(stack: Stack = "sandbox") -> None:
    """Print the environment for plain pulumi and kubectl: eval "$(slipway env)"."""
    from infra import stack as stacks

    for name, value in stacks.environment(stack).items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def down(
    stack: Stack = "sandbox",
    keep_data: Annotated[bool, typer.Option(help="Keep volumes for the next up (sandbox only).")] = False,
) -> None:
    """Remove a stack; for the sandbox also the cluster and every trace of it on this machine."""
    from infra.launch import remove
    from infra.progress import Progress

    remove(stack, Progress(), keep_data=keep_data)
