"""``python -m app.accounts EMAIL --role admin``: makes a local account, such as the first admin's.

The password is one line of standard input. ``--disable`` instead ends an account: no login and no token of it
counts any more.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from app.core import logs
from app.core.auth.accounts import create_account, disable_account
from app.core.auth.users import Role
from app.core.database import Database
from app.core.errors import AppError
from app.core.problems import EXIT_MISCONFIGURED, MisconfiguredError
from app.settings import Settings, load

EXIT_REFUSED = 1


async def run(settings: Settings, arguments: argparse.Namespace, password: str) -> str:
    """What was done, in words. Raises ValueError or AppError where it was not."""
    database = Database(settings)
    try:
        async with database.transaction() as session:
            if not arguments.disable:
                user = await create_account(session, arguments.email, password, Role(arguments.role))
                return f"account {user.id} made, role {user.role}"
            if not await disable_account(session, arguments.email):
                raise ValueError("there is no such account")
            return "account disabled"
    finally:
        await database.close()


def main(argv: list[str] | None = None) -> int:
    """Exit code 1 where the account is refused, 2 where the environment or the command line is wrong."""
    parser = argparse.ArgumentParser(prog="python -m app.accounts", description=__doc__)
    parser.add_argument("email")
    parser.add_argument("--role", choices=[role.value for role in Role], default=Role.USER.value)
    parser.add_argument("--disable", action="store_true")
    arguments = parser.parse_args(argv)
    try:
        settings = load()
        logs.configure(settings.log_level, settings.secrets())
        password = "" if arguments.disable else sys.stdin.readline().rstrip("\r\n")
        print(asyncio.run(run(settings, arguments, password)))
    except MisconfiguredError as error:
        print(error, file=sys.stderr)
        return EXIT_MISCONFIGURED
    except (ValueError, AppError) as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
