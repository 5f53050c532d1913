"""What can be wrong with a backup, each by a name that drills record and alerts show."""

from __future__ import annotations

from enum import StrEnum

from infra.errors import Problem, UserError


class Finding(StrEnum):
    """What did the drill find?"""

    NO_BACKUP = "no-backup"
    MANIFEST_MISSING = "manifest-missing"
    MANIFEST_DAMAGED = "manifest-damaged"
    MANIFEST_FORGED = "manifest-forged"
    WRONG_KEY = "wrong-key"
    DUMP_MISSING = "dump-missing"
    DUMP_TRUNCATED = "dump-truncated"
    DUMP_ALTERED = "dump-altered"
    DUMP_UNREADABLE = "dump-unreadable"
    TABLE_MISSING = "table-missing"
    TABLE_UNKNOWN = "table-unknown"
    ROWS_DIFFER = "rows-differ"
    KEYS_DIFFER = "keys-differ"
    SCHEMA_DIFFERS = "schema-differs"
    INSANE = "sanity-violated"
    CACHE_UNREADABLE = "cache-unreadable"
    SERVER_TOO_OLD = "server-too-old"
    DRILL_FAILED = "drill-failed"  # the drill itself could not go on; nothing is said of the backup


class BackupError(UserError):
    """Something wrong with a backup: the problems, and the name of each."""

    def __init__(self, found: list[tuple[Finding, Problem]]) -> None:
        self.found = tuple(found)
        super().__init__(problem for _, problem in found)


def damage(finding: Finding, where: str, what: str, remedy: str) -> BackupError:
    """A BackupError of one finding."""
    return BackupError([(finding, Problem(where, what, remedy))])


def of(error: UserError) -> list[tuple[Finding, Problem]]:
    """The findings of any error: what no finding names is the drill's own failure."""
    if isinstance(error, BackupError):
        return list(error.found)
    return [(Finding.DRILL_FAILED, problem) for problem in error.problems]
