"""Clients, vehicles and drivers: small registers that are all kept in one way."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from app.core.database import Database
from app.core.errors import InvalidRequestError
from app.dispatch.lists import Lists
from app.dispatch.models import Driver
from app.dispatch.paging import Found, Window
from app.dispatch.repository import DispatchRepository, Row
from app.dispatch.service import check_version, present

Out = TypeVar("Out", bound=BaseModel)


class Change(Protocol):
    """Every field of a row, and the version that was read."""

    version: int

    def model_dump(self, *, exclude: set[str]) -> dict[str, Any]:
        """The fields."""


class Register(Generic[Row, Out]):
    """One account's rows of one kind."""

    def __init__(self, database: Database, user_id: uuid.UUID, model: type[Row], out: type[Out]) -> None:
        self._database = database
        self._user_id = user_id
        self._model = model
        self._out = out

    @asynccontextmanager
    async def _work(self, key: int = 0, wanted: object = None) -> AsyncIterator[DispatchRepository]:
        """``key`` and ``wanted`` of a driver tell which accounts are, or will be, linked."""
        account = getattr(wanted, "user_id", None)
        async with self._database.transaction() as session:
            repository = DispatchRepository(session, self._user_id)
            driver = key if self._model is Driver else 0
            await repository.begin_write(*[account] if account else [], driver=driver)
            yield repository

    async def _row(self, repository: DispatchRepository, key: int, *, lock: bool = False) -> Row:
        return present(await repository.find(self._model, key, lock=lock), self._model.__name__, key)

    async def found(self, window: Window) -> Found:
        """One part of the rows."""
        return await Lists(self._database, self._user_id).own(self._model, window)

    async def get(self, key: int) -> Out:
        """Raises NotFoundError."""
        async with self._database.reading() as session:
            repository = DispatchRepository(session, self._user_id)
            return self._out.model_validate(await self._row(repository, key))

    async def create(self, wanted: BaseModel) -> Out:
        """Raises ConflictError of a twin, and InvalidRequestError of an account that is none."""
        async with self._work(wanted=wanted) as repository:
            row = self._model()
            await _fill(repository, row, wanted.model_dump())
            await repository.add(row)
            return self._out.model_validate(row)

    async def replace(self, key: int, wanted: Change) -> Out:
        """Every field. Raises NotFoundError, StaleVersionError, ConflictError, InvalidRequestError."""
        async with self._work(key, wanted) as repository:
            row = await self._row(repository, key, lock=True)
            check_version(row, wanted.version)
            await _fill(repository, row, wanted.model_dump(exclude={"version"}))
            await repository.flush()
            return self._out.model_validate(row)

    async def delete(self, key: int) -> None:
        """Raises NotFoundError, and ConflictError where orders or dispatches refer to it."""
        async with self._work(key) as repository:
            await repository.delete(await self._row(repository, key, lock=True))


async def _fill(repository: DispatchRepository, row: Row, values: dict[str, Any]) -> None:
    """Sets the fields. A link of a driver to an account changes what that account sees."""
    account = values.get("user_id")
    if isinstance(row, Driver) and row.user_id != account:
        if account and not await repository.is_account(account):
            problems = [{"field": "body.user_id", "problem": "is no account"}]
            raise InvalidRequestError(problems=problems, total=1)
        await repository.grow(row.user_id, account)
    for name, value in values.items():
        setattr(row, name, value)
