"""Rendered pipelines in a folder: compared with what stands there, and written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from infra.errors import Problem, UserError
from infra.render.pipelines.text import MARK

HEAD_CHARS = 200  # in which a file of ours says so


def stale(files: Mapping[str, str], folder: Path) -> list[str]:
    """Files of ours that are no longer rendered: a workflow that would run for ever."""
    found = [path for path in sorted((folder / ".github" / "workflows").glob("slipway-*.yml")) if _ours(path)]
    names = [path.relative_to(folder).as_posix() for path in found]
    return [name for name in names if name not in files]


def differing(files: Mapping[str, str], folder: Path) -> list[str]:
    """Which files are missing or say something else, and which are there for nothing."""
    other = [name for name, text in files.items() if _read(folder / name) != text]
    return [*other, *stale(files, folder)]


def write(files: Mapping[str, str], folder: Path, *, force: bool) -> list[str]:
    """Write what differs, each file whole or not at all, remove what is stale; the names of both.

    Raises UserError, before anything is written, where a file is there that slipway did not make.
    """
    theirs = [name for name in files if (folder / name).exists() and not _ours(folder / name)]
    if theirs and not force:
        what = "is there, and slipway did not make it"
        remedy = "move it away, or replace it: the same command with --force"
        raise UserError(Problem(str(folder / name), what, remedy) for name in theirs)
    changed = differing(files, folder)
    for name in changed:
        if name in files:
            _write(folder / name, files[name])
        else:
            (folder / name).unlink()
    return changed


def _read(path: Path) -> str | None:
    """The text; None where there is none that can be read: writing says why."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _ours(path: Path) -> bool:
    return MARK in (_read(path) or "")[:HEAD_CHARS]


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except OSError as error:
        what = f"cannot be written: {(error.strerror or str(error)).lower()}"
        raise UserError.of(str(path), what, "see to the folder, then run it again") from None
