"""What the driver's application uses. A dispatcher may use it too, for the own drivers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.core.errors import documented
from app.dispatch.fleet_schemas import LinkList, LinkOut
from app.dispatch.paging import PageQuery, part
from app.dispatch.routes.common import COMMON, PREFIX, DispatchId, DriverId, MyFreight, MyLinks, MyLocations
from app.dispatch.routes.orders import STATUS
from app.dispatch.schemas import (
    DispatchList,
    DispatchOut,
    DispatchQuery,
    LocationIn,
    LocationOut,
    StatusChange,
    Summary,
)

MOBILE_PATH = f"{PREFIX}/mobile"
LOCATION_PATH = f"{MOBILE_PATH}/location"
router = APIRouter(prefix=MOBILE_PATH, tags=["mobile"], responses=documented(*COMMON))


@router.get("/dispatches")
async def list_mobile_dispatches(
    freight: MyFreight, query: Annotated[DispatchQuery, Query()]
) -> DispatchList:
    """The account's own dispatches and those of its linked drivers, newest first."""
    return await freight.dispatches(query, mobile=True)


@router.put("/dispatches/{dispatch_id}/status", responses=documented(*STATUS))
async def change_mobile_dispatch_status(
    freight: MyFreight, dispatch_id: DispatchId, change: StatusChange
) -> DispatchOut:
    """The driver's next step: accept, reject, pick up, drive, complete."""
    return await freight.change_status(dispatch_id, change, mobile=True)


@router.get("/summary")
async def mobile_summary(freight: MyFreight) -> Summary:
    """How many dispatches stand where, in all and of today."""
    return await freight.summary()


@router.post("/location")
async def report_location(locations: MyLocations, location: LocationIn) -> LocationOut:
    """Where the driver is."""
    return await locations.report(location)


@router.get("/links")
async def list_links(links: MyLinks, query: Annotated[PageQuery, Query()]) -> LinkList:
    """The drivers that are linked to the account, whoever made them, newest first."""
    return part(LinkList, LinkOut, await links.found(query.window()), query.window())


@router.delete("/links/{driver_id}", status_code=204, responses=documented("ERR_1002"))
async def end_link(links: MyLinks, driver_id: DriverId) -> None:
    """Ends a link: the account no longer sees the driver's dispatches, nor reports for the driver."""
    await links.end(driver_id)
