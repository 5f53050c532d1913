"""Child processes that end with this one, so that a killed restore leaves nobody writing on the volume."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def start(command: Sequence[str], **how: Any) -> subprocess.Popen[str]:
    """A child that is killed when this process dies (PR_SET_PDEATHSIG): a signal that a program could
    would be lost while it starts."""
    how = {"text": True, "errors": "replace", **how}  # what another key decrypts is no text
    return subprocess.Popen(list(command), preexec_fn=_dies_with_parent(), **how)  # noqa: PLW1509  one thread only


def run(command: Sequence[str], **how: Any) -> subprocess.CompletedProcess[str]:
    """Its outcome with both outputs, whatever the exit code."""
    with start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how) as child:
        try:
            out, err = child.communicate()
        except BaseException:
            child.kill()
            raise
    return subprocess.CompletedProcess(list(command), child.returncode, out, err)


def _dies_with_parent() -> Callable[[], None]:
    parent = os.getpid()

    def ask() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:  # it died before the wish was known
            os._exit(1)

    return ask
