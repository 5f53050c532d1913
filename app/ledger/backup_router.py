"""The backup's routes. The work is in transfer.py, the format in backup.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.routing import APIRoute

from app.core.auth.current import CurrentUser
from app.core.context import Context, context_of
from app.core.errors import documented
from app.core.exact import ExactRequest
from app.ledger.backup import BackupFile, check_text
from app.ledger.schemas import ImportReport
from app.ledger.transfer import Transfer

IMPORT_PATH = "/backup/import"
FILE_SCHEMA = {"$ref": "#/components/schemas/BackupFile"}  # documented only: parse() reads it row by row


class Turns(APIRoute):
    """One request of a replica at a time: a file of 10 MB may become 10 times as large once it is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Waits for the whole body first, so that a slow client holds up nobody."""
        handle = super().get_route_handler()

        async def in_turn(request: Request) -> Response:
            exact = ExactRequest(request.scope, request.receive)
            check_text(await exact.body())
            async with turn_of(exact):
                return await handle(exact)

        return in_turn


def turn_of(request: Request) -> asyncio.Semaphore:
    """The application's one turn."""
    state = request.app.state
    if not hasattr(state, "import_turn"):
        state.import_turn = asyncio.Semaphore(1)
    turn: asyncio.Semaphore = state.import_turn
    return turn


async def transfer_of(user: CurrentUser, context: Annotated[Context, Depends(context_of)]) -> Transfer:
    """The asking user's import and export."""
    return Transfer(context.database, user.id)


MyTransfer = Annotated[Transfer, Depends(transfer_of)]
COMMON = documented("ERR_1001", "ERR_1100", "ERR_1101", "ERR_1200", "ERR_1201")
router = APIRouter(tags=["backup"], responses=COMMON)
imports = APIRouter(tags=["backup"], responses=COMMON, route_class=Turns)


@router.get("/backup/export", responses={200: {"model": BackupFile}}, response_class=Response)
async def export_backup(transfer: MyTransfer) -> Response:
    """The whole ledger in the IndexedDB export format. Imported again it changes nothing."""
    file = await transfer.export_file()
    headers = {"Content-Disposition": 'attachment; filename="household-ledger.json"'}
    return Response(file.model_dump_json(warnings=False), media_type="application/json", headers=headers)


@imports.post(
    IMPORT_PATH,
    responses=documented("ERR_1001", "ERR_1005", "ERR_1500"),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": FILE_SCHEMA}}}},
)
async def import_backup(transfer: MyTransfer, body: Annotated[Any, Body()]) -> ImportReport:
    """Imports an IndexedDB export of at most 100,000 rows, all or nothing: with any problem nothing is
    written and every problem is listed. Rows that are there already, by content, are skipped."""
    return await transfer.import_file(body)
