"""What all routes of dispatch share: the prefix, the errors that any of them may give, the use cases."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Path

from app.core.auth.current import IDENTITY_ERRORS, CurrentUser
from app.core.context import Context, context_of
from app.dispatch.fields import Id
from app.dispatch.fleet import Register
from app.dispatch.fleet_schemas import ClientOut, DriverOut, VehicleOut
from app.dispatch.links import Links
from app.dispatch.locations import Locations
from app.dispatch.models import Client, Driver, Vehicle
from app.dispatch.service import Freight
from app.dispatch.settings import DispatchSettings

PREFIX = "/api/v1"
COMMON = ("ERR_1001", *IDENTITY_ERRORS)
CHANGE = ("ERR_1002", "ERR_1003", "ERR_1504")
Live = Annotated[Context, Depends(context_of)]
OrderId = Annotated[Id, Path()]
DispatchId = Annotated[Id, Path()]
ClientId = Annotated[Id, Path()]
VehicleId = Annotated[Id, Path()]
DriverId = Annotated[Id, Path()]


async def freight_of(user: CurrentUser, context: Live) -> Freight:
    """The asking account's orders and dispatches."""
    settings = cast(DispatchSettings, context.modules["dispatch"])
    return Freight(context.database, context.cache, user.id, settings.dispatch_summary_ttl_seconds)


async def locations_of(user: CurrentUser, context: Live) -> Locations:
    """The locations that the asking account reports and sees."""
    return Locations(context.database, user.id)


async def links_of(user: CurrentUser, context: Live) -> Links:
    """The asking account's links."""
    return Links(context.database, user.id)


async def clients_of(user: CurrentUser, context: Live) -> Register[Client, ClientOut]:
    """The asking account's clients."""
    return Register(context.database, user.id, Client, ClientOut)


async def vehicles_of(user: CurrentUser, context: Live) -> Register[Vehicle, VehicleOut]:
    """The asking account's vehicles."""
    return Register(context.database, user.id, Vehicle, VehicleOut)


async def drivers_of(user: CurrentUser, context: Live) -> Register[Driver, DriverOut]:
    """The asking account's drivers."""
    return Register(context.database, user.id, Driver, DriverOut)


MyFreight = Annotated[Freight, Depends(freight_of)]
MyLocations = Annotated[Locations, Depends(locations_of)]
MyLinks = Annotated[Links, Depends(links_of)]
MyClients = Annotated[Register[Client, ClientOut], Depends(clients_of)]
MyVehicles = Annotated[Register[Vehicle, VehicleOut], Depends(vehicles_of)]
MyDrivers = Annotated[Register[Driver, DriverOut], Depends(drivers_of)]
