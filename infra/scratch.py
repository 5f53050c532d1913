"""A folder for work that must leave nothing: removed however it ends, and by the next run after a kill."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import UserError

PREFIX = ".slipway-"


@contextmanager
def scratch(parent: Path, undo: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """A new folder in ``parent``, for its owner only. Raises UserError where a file cannot be written.

    undo: called with what a killed run left, before it is removed.
    """
    try:
        _sweep(parent, undo)
        folder, held = _locked(parent)
    except OSError as error:
        raise _unwritable(error, parent) from None
    try:
        yield folder
    except OSError as error:
        raise _unwritable(error, parent) from None
    finally:
        with shielded():
            shutil.rmtree(folder, ignore_errors=True)
            os.close(held)


def _unwritable(error: OSError, parent: Path) -> UserError:
    """The file that the error names, unless it is one of the folder's own that nobody knows."""
    named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else parent
    own = named.is_relative_to(parent) and str(named.relative_to(parent)).startswith(PREFIX)
    where = parent if own else named
    remedy = "see to space, rights and the kind of file system there; nothing was changed"
    what = f"cannot be {'worked in' if where == parent else 'used'}: {error.strerror or error}"
    return UserError.of(str(where), what, remedy)


@contextmanager
def shielded() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM do not cut the block short; the list holds those that came. Main thread only."""
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda came, _frame: asked.append(came))
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _locked(parent: Path) -> tuple[Path, int]:
    """A folder and the open lock on it, which ends with this process."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_EX)
        if folder.is_dir():  # else another run swept it away before it was locked
            return folder, held
        os.close(held)


def _sweep(parent: Path, undo: Callable[[Path], None] | None) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if undo:
                undo(folder)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue  # its run is still at work
        finally:
            os.close(held)
