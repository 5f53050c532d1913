"""Orders and their dispatches, for the dispatcher."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.core.errors import documented
from app.core.exact import ExactRoute
from app.dispatch.routes.common import CHANGE, COMMON, PREFIX, DispatchId, MyFreight, OrderId
from app.dispatch.schemas import (
    Cancellation,
    DispatchDetail,
    DispatchIn,
    DispatchList,
    DispatchOut,
    DispatchQuery,
    OrderChange,
    OrderIn,
    OrderList,
    OrderOut,
    OrderQuery,
    StatusChange,
)

STATUS = ("ERR_1002", "ERR_1503", "ERR_1504")
router = APIRouter(prefix=PREFIX, responses=documented(*COMMON), route_class=ExactRoute)


@router.get("/orders", tags=["orders"])
async def list_orders(freight: MyFreight, query: Annotated[OrderQuery, Query()]) -> OrderList:
    """Orders, newest first."""
    return await freight.orders(query)


@router.post("/orders", tags=["orders"], status_code=201)
async def create_order(freight: MyFreight, order: OrderIn) -> OrderOut:
    """Takes an order in."""
    return await freight.create_order(order)


@router.get("/orders/{order_id}", tags=["orders"], responses=documented("ERR_1002"))
async def get_order(freight: MyFreight, order_id: OrderId) -> OrderOut:
    """One order."""
    return await freight.order(order_id)


@router.put("/orders/{order_id}", tags=["orders"], responses=documented(*CHANGE))
async def replace_order(freight: MyFreight, order_id: OrderId, order: OrderChange) -> OrderOut:
    """Replaces every field of an order that is not over."""
    return await freight.replace_order(order_id, order)


@router.post("/orders/{order_id}/cancel", tags=["orders"], responses=documented(*STATUS))
async def cancel_order(
    freight: MyFreight, order_id: OrderId, cancellation: Cancellation | None = None
) -> OrderOut:
    """Cancels an order that waits for a dispatch; a running dispatch is cancelled first."""
    return await freight.cancel_order(order_id, cancellation.version if cancellation else None)


@router.delete(
    "/orders/{order_id}", tags=["orders"], status_code=204, responses=documented("ERR_1002", "ERR_1003")
)
async def delete_order(freight: MyFreight, order_id: OrderId) -> None:
    """Removes an order that was never dispatched."""
    await freight.delete_order(order_id)


@router.get("/dispatches", tags=["dispatches"])
async def list_dispatches(freight: MyFreight, query: Annotated[DispatchQuery, Query()]) -> DispatchList:
    """Dispatches, newest first."""
    return await freight.dispatches(query)


@router.post(
    "/dispatches", tags=["dispatches"], status_code=201, responses=documented("ERR_1503", "ERR_1505")
)
async def create_dispatch(freight: MyFreight, dispatch: DispatchIn) -> DispatchOut:
    """Sends a vehicle and a driver for an order."""
    return await freight.create_dispatch(dispatch)


@router.get("/dispatches/{dispatch_id}", tags=["dispatches"], responses=documented("ERR_1002"))
async def get_dispatch(freight: MyFreight, dispatch_id: DispatchId) -> DispatchDetail:
    """One dispatch with its history."""
    return await freight.dispatch(dispatch_id)


@router.put("/dispatches/{dispatch_id}/status", tags=["dispatches"], responses=documented(*STATUS))
async def change_dispatch_status(
    freight: MyFreight, dispatch_id: DispatchId, change: StatusChange
) -> DispatchOut:
    """Gives a dispatch its next status, and its order what follows from it."""
    return await freight.change_status(dispatch_id, change)
