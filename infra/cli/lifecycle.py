"""`slipway up | preview | env | down`: Pulumi's own verbs with everything they need made ready first."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated

import typer

from infra.cli import folder_option, status
from infra.errors import EXIT_FAILED

LOCAL_PORT = "8080"
Stack = Annotated[str, typer.Argument(help="The stack: sandbox, or <team>-<env>.")]


def up(stack: Stack = "sandbox") -> None:
    """Bring a stack up: on the sandbox, tools, images and the cluster first; then pulumi up."""
    from infra.launch import launch
    from infra.progress import Progress

    launch(stack, Progress())
    show(stack)


def show(stack: str) -> None:
    """What a stack that was brought up is like, and what to type next; exit code 1 if something is wrong."""
    found = status.gather(stack)
    status.show(found)
    if not found.healthy:
        raise typer.Exit(EXIT_FAILED)
    typer.echo(next_steps(stack, found.addresses))


def next_steps(stack: str, addresses: Mapping[str, str]) -> str:
    """What to type next, one command a line; an address inside the cluster is forwarded first."""
    from infra import reach

    slipway, url = f"slipway{folder_option()}", addresses.get("url", "")
    watched = [
        (f"{slipway} alerts list {stack}", "what is wrong, and what is about to be"),
        (f"{slipway} dashboards {stack}", "every panel with its value now; --html draws them"),
    ]
    lines = [(f"{slipway} logs {stack} --level error", "what went wrong, by the pods' own words")]
    steps = [
        (f"{slipway} demo {stack}", "import a household ledger and read its summary"),
        (f"{slipway} status {stack}", "what runs, since when, what is wrong"),
        *(watched if "alertmanager" in addresses else ()),
        *(lines if any(name.startswith(status.LOGS) for name in addresses) else ()),
        (f'eval "$({slipway} env {stack})"', "plain pulumi and kubectl"),
    ]
    if forward := reach.forward_command(url, LOCAL_PORT):
        steps.append((shlex.join(forward), f"then: curl http://127.0.0.1:{LOCAL_PORT}/health"))
    else:
        steps.insert(0, (f"curl {url}/health", "how the service is"))
    width = max(len(command) for command, _ in steps)
    shown = [f"  {command:{width}}   {meaning}" for command, meaning in steps]
    return "\n".join(["", "Try next:", *shown, "The command stands in .venv/bin/slipway."])


def preview(stack: Stack = "sandbox") -> None:
    """Show what `slipway up` would change; the stack is made where it is missing, and nothing of it."""
    from infra import stack as stacks
    from infra.progress import Progress

    stacks.preview(stack, Progress())


def env(stack: Stack = "sandbox") -> None:
    """Print the environment for plain pulumi and kubectl: eval "$(slipway env)"."""
    from infra import stack as stacks
    from infra.engine import cli

    values = stacks.shell(stack)
    for name in sorted(cli.misleading(values)):
        typer.echo(f"unset {name}")
    for name, value in values.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def down(
    stack: Stack = "sandbox",
    keep_data: Annotated[bool, typer.Option(help="Keep volumes for the next up (sandbox only).")] = False,
) -> None:
    """Remove a stack; for the stack sandbox the cluster with every stack on it and every trace of it."""
    from infra.launch import remove
    from infra.progress import Progress

    remove(stack, Progress(), keep_data=keep_data)
