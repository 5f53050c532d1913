"""The slipway command: one file per verb; this file turns errors into messages and exit codes."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from infra.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, Problem, UserError

FOLDER = "SLIPWAY_STACKS"
UNWRITABLE = {errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EBADF}

app = typer.Typer(
    name="slipway",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def choose_folder(
    stacks: Annotated[
        Path | None,
        typer.Option(envvar=FOLDER, metavar="FOLDER", help="Stack files elsewhere than in stacks/."),
    ] = None,
) -> None:
    """Takes a FastAPI service from one stack file to production."""
    if stacks is None:
        return
    folder = stacks.expanduser().resolve()
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        remedy = "name the folder that holds Pulumi.<stack>.yaml, or make it"
        raise UserError.of(f"--stacks {folder}", what, remedy, exit_code=EXIT_USAGE)
    os.environ[FOLDER] = str(folder)  # where infra/paths.py and the program, a child process, look


def folder_option() -> str:
    """`` --stacks FOLDER`` where the user has chosen one, for commands shown to them."""
    folder = os.environ.get(FOLDER)
    return f" --stacks {shlex.quote(folder)}" if folder else ""


def _terminate(_signal: int, _frame: object) -> NoReturn:
    """SIGTERM takes the same way out as Ctrl-C, so that every clean-up runs."""
    raise KeyboardInterrupt


def main() -> None:
    """A UserError becomes its message and exit code, Ctrl-C becomes 130, output that cannot be written 1;
    anything else is a bug."""
    try:
        _run()
    except OSError as error:
        if error.errno not in UNWRITABLE or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not tried again
        if error.errno != errno.EPIPE:
            why = (error.strerror or str(error)).lower()
            said = Problem("standard output", f"cannot be written: {why}", "see to space and rights there")
            print(said, file=sys.stderr)
        sys.exit(EXIT_FAILED)


def _run() -> None:
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
        sys.stdout.flush()
        raise
