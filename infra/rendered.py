"""Rendered files in somebody's folder: told from theirs, compared, and each written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from infra.errors import Problem, UserError

HEAD_CHARS = 200  # in which a file of ours says so


def ours(path: Path, mark: str) -> bool:
    """Whether the file begins with the mark of what slipway renders."""
    return mark in (_read(path) or "")[:HEAD_CHARS]


def require_ours(files: Mapping[str, str], folder: Path, mark: str) -> None:
    """Raise UserError where files of these names are there that slipway did not make."""
    theirs = [folder / name for name in files if (folder / name).exists() and not ours(folder / name, mark)]
    if theirs:
        what = "is there, and slipway did not make it"
        remedy = "move it away, or replace it: the same command with --force"
        raise UserError(Problem(str(path), what, remedy) for path in theirs)


def differing(files: Mapping[str, str], folder: Path) -> list[str]:
    """Which files are missing or say something else."""
    return [name for name, text in files.items() if _read(folder / name) != text]


def write(path: Path, text: str) -> None:
    """The file anew, and its folder where there is none. Raises UserError where that cannot be."""
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


def _read(path: Path) -> str | None:
    """The text; None where there is none that can be read: writing says why."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
