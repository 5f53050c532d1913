"""Runs the Pulumi CLI: captured, or live in the foreground with Ctrl-C passed on once."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from infra.errors import UserError
from infra.paths import ROOT

LOST = "incorrect passphrase"


def capture(arguments: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> str:
    """Standard output of a short command. Raises UserError with what it said on standard error."""
    answer = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        input=stdin,
        env=_whole(environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        said = answer.stderr.strip().removeprefix("error: ")
        if LOST in said:
            raise UserError.of(
                f"pulumi {arguments[0]}",
                "the stack file is encrypted with another passphrase than this machine's",
                "put the passphrase back, or remove the stack file and begin anew: slipway up",
            )
        raise UserError.of(
            f"pulumi {' '.join(arguments[:2])}", said, "mend it, then run the same command again"
        )
    return answer.stdout


def live(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Exit code of a long command whose output goes straight to the terminal.

    Pulumi has a process group of its own, so that a Ctrl-C reaches it through us and its plugins not at
    all: it cancels, waits for them and gives its lock back. A second Ctrl-C makes it give up at once.
    Whatever moment the signal comes at, it is passed on and waited for; then KeyboardInterrupt is raised.
    """
    started: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        asked.append(number)
        for process in started:
            process.send_signal(signal.SIGINT)

    before = {
        number: signal.signal(number, pass_on)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup's choice stands
    }
    try:
        command = ["pulumi", *arguments]
        process = subprocess.Popen(
            command, env=_whole(environment), cwd=ROOT, stdin=subprocess.DEVNULL, process_group=0
        )
        started.append(process)
        if asked:
            process.send_signal(signal.SIGINT)
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked:
        raise KeyboardInterrupt
    return code


def _whole(environment: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **environment}
