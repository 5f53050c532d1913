"""The slipway command: one file per verb; this file turns errors into messages and exit codes."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

import typer
from rich.console import Console

from infra.errors import EXIT_INTERRUPTED, UserError

app = typer.Typer(
    name="slipway",
    help="Takes a FastAPI service from one stack file to production.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _terminate(_signal: int, _frame: object) -> NoReturn:
    """SIGTERM takes the same way out as Ctrl-C, so that every clean-up runs."""
    raise KeyboardInterrupt


def main() -> None:
    """A UserError becomes its message and exit code, Ctrl-C becomes 130; anything else is a bug."""
    from infra.cli import verbs

    verbs.register(app)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except UserError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(str(error), markup=False, style="red")
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:  # typer's word for Ctrl-C, said without one
            print("interrupted; run the same command again to continue", file=sys.stderr)
        raise
