"""The connection pool, one transaction per use case, and the one place where driver errors get a meaning."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from sqlalchemy import MetaData, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from app import contract
from app.core.errors import DatabaseAwayError, PoolExhaustedError
from app.core.logs import logger
from app.settings import Settings

CONNECT_SECONDS = 3.0
COMMAND_SECONDS = 15.0  # the driver gives a statement up; a stopped server says nothing by itself
STATEMENT_MILLISECONDS = 14_000  # the server gives it up first, so that the connection survives
PING_AFTER_SECONDS = 1.0
IDLE_SINCE = "idle_since"
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that ends while it is asked
    OSError,
    TimeoutError,
)
# SQLSTATE classes and codes that say the server cannot work now, not that the request is wrong; 40 that
# it met another, which writes prevent by the order of their locks.
AWAY = ("08", "53", "57", "25006", "55P03", "28", "3D000", "42P01", "42501", "40P01", "40001")
log = logger(__name__)


class Base(DeclarativeBase):
    """Base of every table, with fixed constraint names so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )


def driver_url(address: str) -> URL:
    """The address with the asyncpg driver; libpq's ``sslmode`` becomes asyncpg's ``ssl``."""
    url = make_url(address).set(drivername="postgresql+asyncpg")
    mode = url.query.get("sslmode")
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode}) if mode else url


def connect_arguments(application: str) -> dict[str, Any]:
    """Time-outs and session settings of every connection."""
    return {
        "timeout": CONNECT_SECONDS,
        "command_timeout": COMMAND_SECONDS,
        "server_settings": {
            "application_name": application,
            "timezone": "UTC",
            "statement_timeout": str(STATEMENT_MILLISECONDS),
        },
    }


def check_before_use(engine: AsyncEngine) -> None:
    """Pre-ping with less of it: SQLAlchemy's costs three round trips at every use. A closed connection is
    seen without asking; only one that lay idle may be dead and not know it, and is asked by one statement."""

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        idle = time.monotonic() - record.info.get(IDLE_SINCE, time.monotonic())
        try:
            if connection.driver_connection.is_closed():
                raise DisconnectionError
            if idle >= PING_AFTER_SECONDS:
                connection.run_async(lambda driver: driver.fetchval("SELECT 1", timeout=CONNECT_SECONDS))
        except DRIVER_ERRORS as error:
            raise DisconnectionError from error  # the pool takes another connection


class Database:
    """Two pools: one for requests, a small one for probes, which must answer when the first is full."""

    def __init__(self, settings: Settings) -> None:
        url = driver_url(settings.database_url.get_secret_value())
        self.engine = create_async_engine(
            url,
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_max_overflow,
            pool_timeout=settings.database_pool_timeout,
            pool_recycle=settings.database_pool_recycle,
            connect_args=connect_arguments(contract.SERVICE),
            hide_parameters=True,  # parameters are people's data; they do not belong in errors
        )
        check_before_use(self.engine)
        self._probes = create_async_engine(
            url,
            pool_size=contract.PROBE_CONNECTIONS,
            max_overflow=0,
            pool_timeout=contract.PROBE_SECONDS,
            pool_pre_ping=True,
            connect_args=connect_arguments(f"{contract.SERVICE}-probe") | {"timeout": contract.PROBE_SECONDS},
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._reading = async_sessionmaker(alone, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction, committed at the end. Raises DatabaseAwayError, PoolExhaustedError or, of a
        violated constraint, IntegrityError."""
        with meaning():
            async with self._sessions() as session, session.begin():
                yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """For several SELECTs that must agree: all see what was committed before the first. Raises as
        ``transaction``."""
        async with self.transaction() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """For one SELECT: without a transaction, which saves two round trips. Raises as ``transaction``."""
        with meaning():
            async with self._reading() as session:
                yield session

    async def revision(self) -> str | None:
        """The schema's revision, None where no migration has run. Raises what the driver raises."""
        async with self._probes.connect() as connection:
            exists = await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
            if not exists:
                return None
            revision = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return str(revision) if revision else None

    def in_use(self) -> float:
        """Connections checked out for requests."""
        return float(self.engine.pool.checkedout())  # type: ignore[attr-defined]

    def idle(self) -> float:
        """Open connections waiting in the pool."""
        return float(self.engine.pool.checkedin())  # type: ignore[attr-defined]

    async def close(self) -> None:
        """Closes both pools."""
        await self.engine.dispose()
        await self._probes.dispose()


@contextmanager
def meaning() -> Iterator[None]:
    """Gives what the driver raises its meaning for a request."""
    try:
        yield
    except PoolTimeout as error:
        raise PoolExhaustedError from error
    except IntegrityError:
        raise
    except (DBAPIError, OSError) as error:
        if is_away(error):
            log.warning("database away", reason=type(error).__name__, sqlstate=sqlstate(error))
            raise DatabaseAwayError from error
        raise


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's five-character code (SQL:2016 part 2, table 34), where the error carries one."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or getattr(error, "sqlstate", None)


def is_away(error: BaseException) -> bool:
    """Whether the database cannot work now: unreachable, starting, read-only, full, or without our tables."""
    if isinstance(error, OSError | InterfaceError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, SQLAlchemyError) and (sqlstate(error) or "").startswith(AWAY)
