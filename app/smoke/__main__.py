"""``python -m app.smoke URL``: asks a running service everything that its modules' checks name.

Each check once, and again within --within seconds only where nobody answered; then, with --seconds, all of
them again and again. It needs nothing but the service's own environment, and only reads, as an identity to
which nothing belongs: it sees nobody's data. Findings and, last, a summary are lines of JSON on stdout.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from app.core import logs
from app.core.checks import core_checks
from app.core.problems import EXIT_MISCONFIGURED, MisconfiguredError
from app.modules import chosen
from app.settings import Settings, load
from app.smoke.callers import Callers
from app.smoke.runs import Rate, Tally, log, once, repeated

EXIT_FAILED = 1
SIGNALLED = 128  # and the signal's number, as shells have it
MOST_SECONDS, MOST_RATE = 3600.0, 100.0  # beyond is a load test


def address(text: str) -> str:
    """Where the service is. Raises ArgumentTypeError."""
    try:
        parts = urlsplit(text)
        whole = (
            parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        whole = False
    if not whole or "@" in text or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError("is no address of the form http://host:port")
    return text.rstrip("/")


def number(least: float, most: float) -> Callable[[str], float]:
    """Reads a number within these. Raises ArgumentTypeError."""

    def read(text: str) -> float:
        try:
            made = float(text)
        except ValueError:
            made = math.nan
        if not least <= made <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number between {least:g} and {most:g}")
        return made

    return read


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """The command line; exits with 2 where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m app.smoke", description=__doc__)
    parser.add_argument("url", type=address, metavar="URL", help="where the service is: http://host:port")
    for name, default, least, most, meaning in (
        ("within", 60.0, 0.0, MOST_SECONDS, "seconds in which a connection must be had"),
        ("seconds", 0.0, 0.0, MOST_SECONDS, "how long all checks are repeated; 0: not at all"),
        ("checks-per-second", 10.0, 0.1, MOST_RATE, "how often"),
        ("max-error-percent", 1.0, 0.0, 100.0, "failures among the repeated ones that are still no failure"),
    ):
        kind = number(least, most)
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{meaning} (default: {default:g})")
    return parser.parse_args(argv)


async def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Exit code 1 where a check failed or, of the repeated ones, too many."""
    modules = chosen(settings.modules)
    checks = [*core_checks(settings), *(check for module in modules for check in module.checks)]
    callers, tally = Callers(settings, modules), Tally()
    await once(arguments.url, checks, callers, arguments.within, tally)
    passed = not tally.failed
    if passed and arguments.seconds:
        rate = Rate(arguments.seconds, arguments.checks_per_second, arguments.max_error_percent)
        again = [check for check in checks if check.repeated]
        passed = await repeated(arguments.url, again, callers, rate, tally)
    say = log.info if passed else log.error
    say("checks passed" if passed else "checks failed", checks=len(checks), **tally.summary())
    return 0 if passed else EXIT_FAILED


async def until_signalled(work: Coroutine[Any, Any, int]) -> int:
    """The work's exit code; on SIGINT or SIGTERM at once 128 and the signal's number."""
    loop, task, caught = asyncio.get_running_loop(), asyncio.ensure_future(work), list[signal.Signals]()

    def end(sig: signal.Signals) -> None:
        caught.append(sig)
        task.cancel()

    for sig in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sig, end, sig)
    try:
        return await task
    except asyncio.CancelledError:
        if not caught:
            raise
        log.warning("checks ended", signal=caught[0].name)
        return SIGNALLED + caught[0]


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 where the checks passed, 1 where they did not, 2 where the environment or the command line
    is wrong."""
    arguments = parsed(argv)
    try:
        settings = load()
    except MisconfiguredError as error:
        print(error, file=sys.stderr)
        return EXIT_MISCONFIGURED
    logs.configure("INFO", settings.secrets())  # whatever LOG_LEVEL: the lines are what the command is for
    return asyncio.run(until_signalled(run(settings, arguments)))


if __name__ == "__main__":
    sys.exit(main())
