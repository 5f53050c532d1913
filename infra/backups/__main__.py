"""python -m infra.backups VERB: turns errors into lines and exit codes, and signals into a clean end."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from infra.backups import config as settings
from infra.backups import report, verbs
from infra.errors import Problem, UserError

EXITS = """exit codes:
  0  done
  1  failed: every reason is a `problem` line
  2  no such verb or option
  3  another run is under way; nothing was changed
  130, 143  ended by SIGINT or SIGTERM, after its child processes and its upload"""


class Stopped(KeyboardInterrupt):
    """SIGINT or SIGTERM: takes the way out of an error, so that every clean-up runs."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _stop(number: int, _frame: object) -> NoReturn:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def parser() -> argparse.ArgumentParser:
    """All verbs with their options."""
    variables = "\n".join(f"  {name:24} {meaning}" for name, meaning in settings.VARIABLES.items())
    made = argparse.ArgumentParser(
        prog="python -m infra.backups",
        description="Backups of one stack. Says JSON lines on stdout: step, progress, done, warning, "
        "problem, result.",
        epilog=f"environment:\n{variables}\n\n{EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    listed = made.add_subparsers(metavar="VERB", required=True)
    verbs.register(listed)
    return made


def main(arguments: Sequence[str]) -> int:
    """Runs one verb; the exit code."""
    chosen = parser().parse_args(arguments)
    report.hide(settings.secrets())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        chosen.run(settings.load(), chosen)
    except UserError as error:
        report.problems(error)
        return error.exit_code
    except Stopped as stopped:
        what = f"was ended by {signal.Signals(stopped.number).name}; what it had begun does not count"
        report.problem(Problem("backup", what, "run it again"))
        return 128 + stopped.number
    return 0


def leave(code: int) -> NoReturn:
    """Ends the process. Where it failed, a part that is still on its way to a store that does not answer
    must not hold it: Python would wait for that thread."""
    sys.stdout.flush()
    if code:
        os._exit(code)
    sys.exit(0)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
