"""Clients, vehicles and drivers, for the dispatcher."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.core.errors import documented
from app.dispatch.fleet_schemas import (
    ClientChange,
    ClientIn,
    ClientList,
    ClientOut,
    DriverChange,
    DriverIn,
    DriverList,
    DriverOut,
    VehicleChange,
    VehicleIn,
    VehicleList,
    VehicleOut,
)
from app.dispatch.paging import PageQuery, part
from app.dispatch.routes.common import (
    CHANGE,
    COMMON,
    PREFIX,
    ClientId,
    DriverId,
    MyClients,
    MyDrivers,
    MyLocations,
    MyVehicles,
    VehicleId,
)
from app.dispatch.schemas import LocationOut, LocationQuery

REMOVAL = ("ERR_1002", "ERR_1003")
router = APIRouter(prefix=PREFIX, responses=documented(*COMMON))


@router.get("/clients", tags=["clients"])
async def list_clients(clients: MyClients, query: Annotated[PageQuery, Query()]) -> ClientList:
    """Clients, newest first."""
    return part(ClientList, ClientOut, await clients.found(query.window()), query.window())


@router.post("/clients", tags=["clients"], status_code=201)
async def create_client(clients: MyClients, client: ClientIn) -> ClientOut:
    """Adds a client."""
    return await clients.create(client)


@router.get("/clients/{client_id}", tags=["clients"], responses=documented("ERR_1002"))
async def get_client(clients: MyClients, client_id: ClientId) -> ClientOut:
    """One client."""
    return await clients.get(client_id)


@router.put("/clients/{client_id}", tags=["clients"], responses=documented(*CHANGE))
async def replace_client(clients: MyClients, client_id: ClientId, client: ClientChange) -> ClientOut:
    """Replaces every field of a client."""
    return await clients.replace(client_id, client)


@router.delete("/clients/{client_id}", tags=["clients"], status_code=204, responses=documented(*REMOVAL))
async def delete_client(clients: MyClients, client_id: ClientId) -> None:
    """Removes a client that no order refers to."""
    await clients.delete(client_id)


@router.get("/vehicles", tags=["vehicles"])
async def list_vehicles(vehicles: MyVehicles, query: Annotated[PageQuery, Query()]) -> VehicleList:
    """Vehicles, newest first."""
    return part(VehicleList, VehicleOut, await vehicles.found(query.window()), query.window())


@router.post("/vehicles", tags=["vehicles"], status_code=201, responses=documented("ERR_1003"))
async def create_vehicle(vehicles: MyVehicles, vehicle: VehicleIn) -> VehicleOut:
    """Adds a vehicle."""
    return await vehicles.create(vehicle)


@router.get("/vehicles/{vehicle_id}", tags=["vehicles"], responses=documented("ERR_1002"))
async def get_vehicle(vehicles: MyVehicles, vehicle_id: VehicleId) -> VehicleOut:
    """One vehicle."""
    return await vehicles.get(vehicle_id)


@router.put("/vehicles/{vehicle_id}", tags=["vehicles"], responses=documented(*CHANGE))
async def replace_vehicle(vehicles: MyVehicles, vehicle_id: VehicleId, vehicle: VehicleChange) -> VehicleOut:
    """Replaces every field of a vehicle."""
    return await vehicles.replace(vehicle_id, vehicle)


@router.delete("/vehicles/{vehicle_id}", tags=["vehicles"], status_code=204, responses=documented(*REMOVAL))
async def delete_vehicle(vehicles: MyVehicles, vehicle_id: VehicleId) -> None:
    """Removes a vehicle that no dispatch refers to."""
    await vehicles.delete(vehicle_id)


@router.get("/drivers", tags=["drivers"])
async def list_drivers(drivers: MyDrivers, query: Annotated[PageQuery, Query()]) -> DriverList:
    """Drivers, newest first."""
    return part(DriverList, DriverOut, await drivers.found(query.window()), query.window())


@router.post("/drivers", tags=["drivers"], status_code=201, responses=documented("ERR_1003"))
async def create_driver(drivers: MyDrivers, driver: DriverIn) -> DriverOut:
    """Adds a driver."""
    return await drivers.create(driver)


@router.get("/drivers/{driver_id}", tags=["drivers"], responses=documented("ERR_1002"))
async def get_driver(drivers: MyDrivers, driver_id: DriverId) -> DriverOut:
    """One driver."""
    return await drivers.get(driver_id)


@router.put("/drivers/{driver_id}", tags=["drivers"], responses=documented(*CHANGE))
async def replace_driver(drivers: MyDrivers, driver_id: DriverId, driver: DriverChange) -> DriverOut:
    """Replaces every field of a driver."""
    return await drivers.replace(driver_id, driver)


@router.delete("/drivers/{driver_id}", tags=["drivers"], status_code=204, responses=documented(*REMOVAL))
async def delete_driver(drivers: MyDrivers, driver_id: DriverId) -> None:
    """Removes a driver that no dispatch refers to."""
    await drivers.delete(driver_id)


@router.get("/drivers/{driver_id}/location", tags=["drivers"], responses=documented("ERR_1002"))
async def get_driver_location(locations: MyLocations, driver_id: DriverId) -> LocationOut:
    """Where the driver was last."""
    return await locations.latest(driver_id)


@router.get("/drivers/{driver_id}/locations", tags=["drivers"], responses=documented("ERR_1002"))
async def list_driver_locations(
    locations: MyLocations, driver_id: DriverId, query: Annotated[LocationQuery, Query()]
) -> list[LocationOut]:
    """Where the driver was in the last 30 days, newest first."""
    return await locations.history(driver_id, query)
