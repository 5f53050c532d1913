"""Rendered pipelines in a folder: compared with what stands there, and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infra import rendered
from infra.render.pipelines.text import MARK


def stale(files: Mapping[str, str], folder: Path) -> list[str]:
    """Files of ours that are no longer rendered: a workflow that would run for ever."""
    workflows = sorted((folder / ".github" / "workflows").glob("slipway-*.yml"))
    found = [path for path in workflows if rendered.ours(path, MARK)]
    names = [path.relative_to(folder).as_posix() for path in found]
    return [name for name in names if name not in files]


def differing(files: Mapping[str, str], folder: Path) -> list[str]:
    """Which files are missing or say something else, and which are there for nothing."""
    return [*rendered.differing(files, folder), *stale(files, folder)]


def write(files: Mapping[str, str], folder: Path, *, force: bool) -> list[str]:
    """Write what differs, each file whole or not at all, remove what is stale; the names of both.

    Raises UserError, before anything is written, where a file is there that slipway did not make.
    """
    if not force:
        rendered.require_ours(files, folder, MARK)
    changed = differing(files, folder)
    for name in changed:
        if name in files:
            rendered.write(folder / name, files[name])
        else:
            (folder / name).unlink()
    return changed
