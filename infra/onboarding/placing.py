"""Files into their folder, all or none: undone after an error, a Ctrl-C, or by the next run after a kill."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from infra.errors import Problem, UserError
from infra.scratch import shielded
from infra.settings import document

NEW, OLD, MOVING, UNDERWAY = "new", "old", "moving", "underway"


def there(paths: Iterable[Path]) -> list[Path]:
    """The files that exist already."""
    return [path for path in paths if os.path.lexists(path)]


def refusal(found: Iterable[Path]) -> UserError:
    """The message that names the files which would be overwritten."""
    return UserError(
        Problem(document.display(path), "is there already, and nothing is overwritten unasked", "use --force")
        for path in found
    )


def place(work: Path, folder: Path, *, replace: bool) -> dict[str, Path]:
    """Move every file of ``work/new`` into ``folder``; the replaced ones' names → where the old one is kept.

    work: a scratch folder in ``folder``. Raises UserError where a file is there and ``replace`` is False,
    KeyboardInterrupt where one came meanwhile; in both cases, and after any other error, nothing changed.
    """
    names = sorted(path.name for path in (work / NEW).iterdir())
    (work / OLD).mkdir()
    existing = there(folder / name for name in names)
    if existing and not replace:
        raise refusal(existing)
    for path in existing:
        shutil.copy2(path, work / OLD / path.name)
    with shielded() as asked:
        (work / UNDERWAY).touch()
        try:
            for name in names:
                _move(work, folder / name, asked)
        except BaseException:
            undo(work)
            raise
        (work / UNDERWAY).unlink()
        return {path.name: _keep(work / OLD / path.name, path) for path in existing}


def undo(work: Path) -> None:
    """Give back what was replaced and take away what was new, as far as it is still what was put there."""
    if not (work / UNDERWAY).exists():
        return
    for new in (work / NEW).iterdir():
        final, old = work.parent / new.name, work / OLD / new.name
        if not final.is_file() or final.read_bytes() != new.read_bytes():
            continue
        if old.is_file():
            old.replace(final)
        else:
            final.unlink()
    (work / UNDERWAY).unlink()


def _move(work: Path, final: Path, asked: list[int]) -> None:
    if asked:
        raise KeyboardInterrupt
    shutil.copy2(work / NEW / final.name, work / MOVING)
    if (work / OLD / final.name).exists():
        (work / MOVING).replace(final)
        return
    try:
        os.link(work / MOVING, final)
    except FileExistsError:
        raise refusal([final]) from None
    (work / MOVING).unlink()


def _keep(old: Path, final: Path) -> Path:
    """The old file beside the new one, under the first name that is free."""
    number = 1
    while True:
        kept = final.with_name(f"{final.name}.bak{number if number > 1 else ''}")
        try:
            os.link(old, kept)
        except FileExistsError:
            number += 1
        else:
            return kept
