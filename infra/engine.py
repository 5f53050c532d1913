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

    Pulumi has a process group of its own, so that a Ctrl-C reaches it once, through us, and its plugins
    not at all: it cancels, waits for them and gives its lock back. A second Ctrl-C makes it give up at once.
    """
    process = subprocess.Popen(
        ["pulumi", *arguments],
        env=_whole(environment),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
    interrupted = False
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupted = True
            process.send_signal(signal.SIGINT)
        else:
            if interrupted:
                raise KeyboardInterrupt
            return code


def _whole(environment: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **environment}
