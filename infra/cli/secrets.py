"""`slipway secrets`: names and ages, new values, given values; never a value on the screen."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli import folder_option
from infra.errors import EXIT_USAGE, UserError
from infra.names import SANDBOX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.settings.secrets import SecretName
    from infra.stack_secrets import Held

app = typer.Typer(help="The secrets of a stack: ages and new values, never shown.", no_args_is_help=True)
Stack = Annotated[str, typer.Argument(help="The stack: sandbox, or <team>-<env>.")]


@app.command("list")
def list_secrets(
    stack: Stack = SANDBOX, as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False
) -> None:
    """Name every secret with its age, whether it is set, and what it is for."""
    from infra import stack_secrets
    from infra.engine import passphrase
    from infra.settings.flaw import safe

    found, provider = stack_secrets.held(stack), safe(passphrase.provider(stack))
    if as_json:
        plain = [_plain(item) for item in found]
        typer.echo(json.dumps({"stack": stack, "provider": provider, "secrets": plain}, indent=2))
    else:
        _show(stack, provider, found)


@app.command()
def rotate(
    key: Annotated[str | None, typer.Argument(help="The secret, as `slipway secrets list` names it.")] = None,
    stack: Annotated[str | None, typer.Argument(help="The stack: sandbox, or <team>-<env>.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every secret that is made here.")] = False,
) -> None:
    """Give a secret a new random value."""
    from infra import stack_secrets
    from infra.progress import Progress

    if bool(stack) if every else key is None:
        raise UserError.of(
            "slipway secrets rotate",
            "takes either a secret's name or --all",
            "slipway secrets rotate KEY [STACK], or slipway secrets rotate --all [STACK]",
            exit_code=EXIT_USAGE,
        )
    _require_order("rotate", key, stack)
    target = (key if every else stack) or SANDBOX
    names = [item.name for item in stack_secrets.held(target) if item.needed]
    if not every and key:
        names = [stack_secrets.chosen(target, key)]
    elsewhere = [name for name in names if name.given]
    if elsewhere and not every:
        what = "is issued by someone else and cannot be made here"
        raise UserError.of(elsewhere[0], what, f"get a new one, then: slipway secrets set {key} {target}")
    made = [name for name in names if not name.given]
    stack_secrets.rotate(target, made, Progress())
    _tell(target, made)
    for name in elsewhere:
        typer.echo(f"left alone, since someone else issues it: {name}")


@app.command("set")
def set_secret(
    key: Annotated[str, typer.Argument(help="The secret, as `slipway secrets list` names it.")],
    stack: Stack = SANDBOX,
) -> None:
    """Take a value from a hidden prompt, or from standard input, and encrypt it."""
    from infra import stack_secrets
    from infra.progress import Progress

    _require_order("set", key, stack)
    name = stack_secrets.chosen(stack, key)
    if sys.stdin.isatty():
        value = str(typer.prompt(f"{name} of {stack}", hide_input=True, confirmation_prompt=True))
    else:
        value = sys.stdin.read().rstrip("\r\n")
    stack_secrets.put(stack, {name: value}, Progress())
    _tell(stack, [name])


def _require_order(verb: str, key: str | None, stack: str | None) -> None:
    """Raise UserError where the stack stands before the secret."""
    from infra.settings.secrets import SecretName

    if key is not None and stack in list(SecretName) and key not in list(SecretName):
        what = "stands where the secret's name is wanted, and that where the stack is"
        raise UserError.of(key, what, f"slipway secrets {verb} {stack} {key}", exit_code=EXIT_USAGE)


def _tell(stack: str, names: Sequence[SecretName]) -> None:
    from infra.settings import document, layers
    from infra.stack_secrets import EFFECTS

    typer.echo(f"{', '.join(names)}: new in {document.display(layers.stack_file(stack))}")
    typer.echo(f"takes effect with: slipway{folder_option()} up {stack}, which")
    for effect in dict.fromkeys(EFFECTS[name] for name in names):
        typer.echo(f"  {effect}")


def _plain(item: Held) -> dict[str, str | int | bool | None]:
    from infra import stack_secrets

    return {
        "name": item.name.value,
        "set": item.there,
        "needed": item.needed,
        "rotated": item.rotated.isoformat() if item.rotated else None,
        "age_days": item.age_days(stack_secrets.today()),
        "made_here": not item.name.given,
        "meaning": item.name.meaning,
    }


def _show(stack: str, provider: str, found: Sequence[Held]) -> None:
    from rich.console import Console
    from rich.table import Table

    from infra import stack_secrets

    table = Table(
        "secret", "", "age", "what it is for", title=f"stack {stack}, encrypted with {provider}", box=None
    )
    for item in found:
        age = item.age_days(stack_secrets.today())
        state = "set" if item.there else "missing"
        days = "-" if not item.there else "unknown" if age is None else f"{age} d"
        table.add_row(item.name.value, state if item.needed else f"{state}, unused", days, item.name.meaning)
    Console(highlight=False).print(table)
