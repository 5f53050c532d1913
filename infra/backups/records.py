"""The record of a drill beside the backups: signed, so that nobody but us can call a backup verified.

Key: ``<stack>/drills/<id of the backup>/<UTC time>.json``, which sorts by time.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum

from infra.backups import manifest
from infra.errors import UserError

FORMAT = 1
DRILLS = "drills"
NAME = re.compile(r"^\d{8}T\d{6}Z\.json$")
LARGEST = 1 << 20  # bytes


class Result(StrEnum):
    """Did the restored backup match its manifest?"""

    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True)
class Drill:
    """One rehearsed restore. ``at``: when it ended, UTC, ISO 8601; ``seconds``: what the restore took;
    ``findings``: what did not match, none where ``result`` is ok; ``key`` as in the manifest."""

    backup: str
    stack: str
    at: str
    result: Result
    seconds: float
    findings: tuple[str, ...]
    key: str
    format: int = FORMAT
    record: str = "drill"  # a signed manifest is no record

    @property
    def moment(self) -> datetime:
        """When it ended."""
        return datetime.fromisoformat(self.at)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The parts of its key below the stack."""
        return DRILLS, self.backup, f"{self.moment.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"


def write(drill: Drill, key: bytes) -> bytes:
    """The file's bytes."""
    return manifest.signed(asdict(drill), key)


def read(where: str, data: bytes, key: bytes) -> Drill:
    """The record of the file's bytes. Raises UserError: damaged, forged, another key, a newer format."""
    body = manifest.opened(where, data, key)
    if body.get("record") != "drill" or body.get("format") != FORMAT:
        what = f"is no record of a drill of format {FORMAT}"
        raise UserError.of(where, what, "use the version of slipway that made it")
    try:
        result, findings = Result(body.pop("result")), tuple(body.pop("findings"))
        return Drill(**body, result=result, findings=findings)
    except (KeyError, TypeError, ValueError):
        raise UserError.of(where, "its fields are not those of a drill", manifest.REMEDY) from None
