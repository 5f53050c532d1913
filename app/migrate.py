"""``python -m app.migrate expand | contract | status``: the schema in two steps around a release.

``expand`` goes as far as this version needs, and the version before runs on that too; ``contract`` goes to
the end, afterwards, when nothing of the version before runs any more. A database that is newer than this
version, since an older image was released again, is left alone. ``status`` prints the revisions as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.core import logs
from app.core.masking import Masker
from app.core.problems import EXIT_MISCONFIGURED, MisconfiguredError, Problem
from app.core.values import address_secrets, check_address
from app.migrations import phases, running
from app.migrations.phases import Phase, Revision
from app.settings import DATABASE_SCHEMES, LOG_LEVELS, REMEDIES

EXIT_FAILED = 1
CONFIG = Path(__file__).with_name("alembic.ini")
log = logs.logger("app.migrate")


def migrate(connection: Connection, line: tuple[Revision, ...], phase: Phase) -> None:
    """Brings the database to the end of the phase. Raises MigrationError where a revision fails; the database
    is then as the revision before left it."""
    running.begin(connection)
    current = running.revision_of(connection)
    if current is not None and current not in {revision.id for revision in line}:
        log.info("the database is newer than this version; nothing to do", revision=current)
        return
    target = phases.needed(line) if phase is Phase.EXPAND else line[-1].id
    steps = phases.pending(line, current, target)
    early = [revision.id for revision in steps if revision.phase is Phase.CONTRACT]
    if early and current and phase is Phase.EXPAND:
        log.warning("contract revisions run before the release that is to follow them", revisions=early)
    if steps:
        upgrade(connection, line, target)
    else:
        running.finish(connection)


def upgrade(connection: Connection, line: tuple[Revision, ...], target: str) -> None:
    """Alembic's upgrade on this connection. Raises MigrationError naming the revision that failed."""
    config = Config(str(CONFIG))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, target)
    except Exception as error:
        connection.rollback()
        raise failure(error, running.revision_of(connection), line, target) from None


def failure(
    error: Exception, reached: str | None, line: tuple[Revision, ...], target: str
) -> running.MigrationError:
    """What people and the log are told. Of a mistake in the revision's file the log has the trace."""
    mistake = not isinstance(error, SQLAlchemyError | OSError)
    reason = f"{type(error).__name__}: {error}" if mistake else running.reason_of(error)
    failed = phases.pending(line, reached, target)[0].id
    return running.MigrationError(
        f"revision {failed} failed, the database is at {reached or 'no revision'} as before it:"
        f" {reason.splitlines()[0]}; when that is mended, run this again",
        **{"reason": reason, "revision": failed, "database": reached},
        **({"exc_info": error} if mistake else {}),
    )


def status(connection: Connection, line: tuple[Revision, ...]) -> str:
    """One line of JSON: where the database is, what this version needs, the last revision that it knows."""
    current = running.revision_of(connection)
    return json.dumps({"current": current, "needed": phases.needed(line), "head": line[-1].id})


def database_address() -> str:
    """DATABASE_URL. Raises MisconfiguredError."""
    address = os.environ.get("DATABASE_URL", "")
    try:
        check_address(address, DATABASE_SCHEMES, None)
    except ValueError as error:
        what = str(error) if address else "is not set"
        remedy = f"{REMEDIES['DATABASE_URL']}, of the schema owner's role"
        raise MisconfiguredError([Problem("DATABASE_URL", what, remedy)]) from None
    return address


def main(argv: list[str] | None = None) -> int:
    """Exit code 1 where the database is not where it was to be, 2 where the environment or the command line
    is wrong."""
    parser = argparse.ArgumentParser(prog="python -m app.migrate", description=__doc__)
    parser.add_argument("command", choices=[*Phase, "status"])
    wanted = parser.parse_args(argv).command
    try:
        address = database_address()
    except MisconfiguredError as error:
        print(error, file=sys.stderr)
        return EXIT_MISCONFIGURED
    level, secrets = os.environ.get("LOG_LEVEL", "INFO").upper(), address_secrets(address)
    logs.configure(level if level in LOG_LEVELS else "INFO", secrets)
    line = phases.read()
    try:
        if wanted == "status":
            print(running.run(address, lambda connection: status(connection, line)))
        else:
            running.run(address, lambda connection: migrate(connection, line, Phase(wanted)))
    except running.MigrationError as error:
        if wanted != "status":
            log.critical("migration failed", **error.facts)
        print(Masker(secrets).text(str(error)), file=sys.stderr)
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
