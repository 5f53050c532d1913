"""A restored database against its manifest: every table's rows and primary keys, each difference by name."""

from __future__ import annotations

from collections.abc import Collection

from infra.backups import facts, report
from infra.backups.databases import Server
from infra.backups.findings import BackupError, Finding
from infra.backups.manifest import REMEDY, Manifest, Table
from infra.errors import Problem


def check(server: Server, database: str, manifest: Manifest, only: Collection[str] = ()) -> int:
    """The number of rows. ``only``: the tables that were restored. Raises BackupError with every table that
    differs."""
    with report.step("verify", database=database):
        with server.connect(database) as connection:
            sources = facts.sources(connection)
        found = facts.tables(server.address(database), sources)
    wanted = [table for table in manifest.tables if not only or table.name in only]
    differing = compare(wanted, found)
    if differing:
        raise BackupError(differing)
    return sum(table.rows for table in found)


def compare(wanted: Collection[Table], found: Collection[Table]) -> list[tuple[Finding, Problem]]:
    """What differs, table by table."""
    there = {table.name: table for table in found}
    differing = [_of(table, there.pop(table.name, None)) for table in wanted]
    unknown = [
        (Finding.TABLE_UNKNOWN, Problem(f"table {name}", "is in the dump and not in the manifest", REMEDY))
        for name in sorted(there)
    ]
    return [one for one in differing if one] + unknown


def _of(wanted: Table, found: Table | None) -> tuple[Finding, Problem] | None:
    where = f"table {wanted.name}"
    if found is None:
        return Finding.TABLE_MISSING, Problem(where, "is in the manifest and not in the dump", REMEDY)
    if found.rows != wanted.rows:
        what = f"has {found.rows} rows, and the manifest says {wanted.rows}"
        return Finding.ROWS_DIFFER, Problem(where, what, REMEDY)
    if found.keys != wanted.keys:
        what = f"has {found.rows} rows as the manifest says, but other primary keys"
        return Finding.KEYS_DIFFER, Problem(where, what, REMEDY)
    return None
