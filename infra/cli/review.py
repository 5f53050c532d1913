"""`slipway review` and `slipway apply`: what a change would do, and exactly that done."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli import folder_option, lifecycle
from infra.errors import EXIT_USAGE, UserError
from infra.review.form import Format

if TYPE_CHECKING:
    from infra.review.run import Reviewed

STDIN = "-"
Stack = Annotated[str, typer.Argument(help="The stack: sandbox, or <team>-<env>.")]


def review(
    stack: Stack = "sandbox",
    form: Annotated[
        Format, typer.Option("--format", help="text; markdown for a comment, empty without changes; json.")
    ] = Format.TEXT,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FILE", help="The JSON of a preview that was made; - for standard input."
        ),
    ] = None,
    acknowledge: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Data or keys that may go, by the name that the review gives."),
    ] = None,
    save: Annotated[
        bool,
        typer.Option("--save", help="Keep the plan: slipway apply can then say what differs."),
    ] = False,
) -> None:
    """Say what up would change, for a reviewer. Exit code 0: nothing or harmless, 2: must be acknowledged."""
    from infra.review import formats, run
    from infra.review.words import Commands
    from infra.settings.stack import StackName

    StackName.parse(stack)
    text, where = _read(source) if source else (_planned(stack), run.ENGINE)
    found = run.reviewed(text, stack, acknowledge or (), where=where)
    commands = Commands(f"slipway{folder_option()}", found.digest)
    if written := formats.render(found.report, form, commands):
        typer.echo(written)
    if save:
        _save(found)
    raise typer.Exit(found.report.exit_code)


def apply(
    stack: Stack = "sandbox",
    reviewed: Annotated[
        str, typer.Option("--reviewed", metavar="DIGEST", help="The digest that the review gives.")
    ] = "",
) -> None:
    """Bring a stack up as it was reviewed. If anything else would change, say what, and change nothing."""
    from infra import stack as stacks
    from infra.launch import launch
    from infra.progress import Progress
    from infra.review import digest, run
    from infra.settings.stack import StackName

    StackName.parse(stack)
    digest.require_form(reviewed)
    progress = Progress()
    again = f"review it again: slipway{folder_option()} review {shlex.quote(stack)} --save"
    launch(
        stack,
        progress,
        gate=lambda: run.require_reviewed(stacks.planned(stack, progress), stack, reviewed, again),
    )
    lifecycle.show(stack)


def _planned(stack: str) -> str:
    from infra import stack as stacks
    from infra.progress import Progress

    return stacks.planned(stack, Progress())


def _read(source: str) -> tuple[str, str]:
    """The text and how to name it. Raises UserError for a file that cannot be read."""
    if source == STDIN:
        return sys.stdin.read(), "standard input"
    try:
        return Path(source).read_text(encoding="utf-8"), source
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not text in UTF-8"
        remedy = "name the file that pulumi preview --json wrote, or - for standard input"
        where = f"--from {source}"
        raise UserError.of(where, f"cannot be read: {why}", remedy, exit_code=EXIT_USAGE) from None


def _save(found: Reviewed) -> None:
    """Only of a plan that can be applied: what is open must be acknowledged first."""
    from infra.review import saved

    if not found.digest:
        typer.echo("nothing is saved: there is no plan that could be applied", err=True)
        return
    typer.echo(f"saved: {saved.save(found.record)}", err=True)
