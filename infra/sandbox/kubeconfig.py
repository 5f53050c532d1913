"""Puts a cluster's access data into the user's own kubeconfig: only ever when asked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from infra import private
from infra.errors import UserError

SECTIONS = ("clusters", "users", "contexts")


def merge(source: Path, target: Path) -> None:
    """Add or replace the entries of ``source`` in ``target``; everything else there stays as it is.

    The current context changes only where there was none. Raises UserError for a file that cannot be read.
    """
    ours = _load(source)
    theirs: dict[str, Any] = {"apiVersion": "v1", "kind": "Config"}
    if target.exists():
        theirs = _load(target)
    for section in SECTIONS:
        named = {entry["name"]: entry for entry in theirs.get(section) or []}
        named.update({entry["name"]: entry for entry in ours[section]})
        theirs[section] = list(named.values())
    theirs["current-context"] = theirs.get("current-context") or ours["current-context"]
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private.write(target.resolve(), yaml.safe_dump(theirs, sort_keys=False).encode())


def _load(path: Path) -> dict[str, Any]:
    remedy = "mend or move the file, then run the same command again"
    try:
        found = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise UserError.of(str(path), "does not exist", "slipway sandbox up") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError.of(where, "is not YAML", remedy) from error
    if not isinstance(found, dict) or found.get("kind") != "Config":
        raise UserError.of(str(path), "is not a kubeconfig (kind: Config)", remedy)
    return found
