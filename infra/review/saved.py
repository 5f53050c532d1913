"""Records of reviewed plans on this machine, so that `slipway apply` can say what differs from them."""

from __future__ import annotations

import os
from pathlib import Path

from infra import paths
from infra.errors import EXIT_FAILED, UserError
from infra.review.digest import Record


def file(stack: str, digest: str) -> Path:
    """Where the record of a plan is kept; the stack's name is a stack's name, the digest hexadecimal."""
    return paths.state_dir() / "reviews" / f"{stack}-{digest}.json"


def save(record: Record) -> Path:
    """Keep a record, whole or not at all, for its owner only. Raises UserError where it cannot be written."""
    final = file(record.stack, record.digest)
    draft = final.with_name(f"{final.name}.{os.getpid()}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(record.text())
        draft.replace(final)
    except OSError as error:
        draft.unlink(missing_ok=True)
        what = f"cannot be written: {error.strerror or error}"
        remedy = "see to space and rights there, or set XDG_STATE_HOME to another folder"
        raise UserError.of(str(final), what, remedy, exit_code=EXIT_FAILED) from None
    return final


def find(stack: str, digest: str) -> Record | None:
    """The record of a plan; None where this machine has none. Raises UserError for one that was changed."""
    path = file(stack, digest)
    try:
        return Record.read(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        what = f"is no record of a review: {error}"
        raise UserError.of(str(path), what, f"take it away: rm {path}", exit_code=EXIT_FAILED) from None
