"""The queue's schema: procrastinate's own migrations up to a file that is named, so that a revision of ours
always does the same, whatever version is installed (docs/decisions/0011-the-job-queue.md)."""

from __future__ import annotations

from pathlib import Path

from procrastinate.schema import migrations_path

FIRST_REVISION_LAST = "03.04.00_50_post_add_retry_failed_job_procedure.sql"  # what revision 0005 ends with
REMOVE = """
DO $$ DECLARE thing text; BEGIN
  FOR thing IN SELECT format('DROP TABLE %I CASCADE', tablename) FROM pg_tables
    WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\\_%'
  LOOP EXECUTE thing; END LOOP;
  FOR thing IN SELECT format('DROP FUNCTION %s CASCADE', oid::regprocedure) FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate\\_%'
  LOOP EXECUTE thing; END LOOP;
  FOR thing IN SELECT format('DROP TYPE %I CASCADE', typname) FROM pg_type
    WHERE typnamespace = current_schema()::regnamespace AND typtype IN ('e', 'c')
      AND typname LIKE 'procrastinate\\_%'
  LOOP EXECUTE thing; END LOOP;
END $$
"""


def steps(after: str, last: str) -> list[Path]:
    """procrastinate's migrations behind ``after`` ("" for the first) up to and with ``last``, in their order.
    Each is committed by itself: some use an enum's value that an earlier one adds. Raises ValueError where
    ``last`` is not among the installed ones."""
    found = sorted(migrations_path.glob("*.sql"))
    if last not in {path.name for path in found}:
        raise ValueError(f"the installed procrastinate has no migration {last}")
    return [path for path in found if after < path.name <= last]
