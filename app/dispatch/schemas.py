"""What the routes of orders, dispatches and locations take and give."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.text import Day, Text
from app.dispatch.fields import (
    Address,
    CargoIn,
    Id,
    Kilograms,
    KilogramsOut,
    Moment,
    RecentMoment,
    Reference,
    Stored,
    Version,
    shape,
)
from app.dispatch.paging import PageQuery, Part
from app.dispatch.statuses import Cargo, DispatchStatus, OrderStatus


class OrderIn(BaseModel):
    """What has to go where."""

    model_config = shape(
        client_id=1,
        pickup_address="서울시 강남구",
        delivery_address="부산시 해운대구",
        cargo_type="frozen",
        weight=100.0,
    )
    client_id: Reference
    pickup_address: Address
    delivery_address: Address
    cargo_type: CargoIn
    weight: Kilograms


class OrderChange(OrderIn):
    """Every field of an order; the status is changed by its dispatches."""

    model_config = shape(
        client_id=1,
        pickup_address="서울시 강남구",
        delivery_address="부산시 해운대구",
        cargo_type="chilled",
        weight="99.5",
        version=1,
    )
    version: Version


class OrderOut(Stored):
    """A stored order."""

    client_id: int
    pickup_address: str
    delivery_address: str
    cargo_type: Cargo
    weight: KilogramsOut
    status: OrderStatus


class Cancellation(BaseModel):
    """``version`` may be left out: a status changes only where the table of statuses allows it."""

    model_config = shape(version=1)
    version: Version | None = None


class DispatchIn(BaseModel):
    """Which order goes with which vehicle and driver."""

    model_config = shape(order_id=1, vehicle_id=1, driver_id=1)
    order_id: Reference
    vehicle_id: Reference
    driver_id: Reference


class StatusChange(Cancellation):
    """The next status. The present one again changes nothing, so that a lost answer can be asked again."""

    model_config = shape(status="ACCEPTED")
    status: DispatchStatus


class OrderBrief(BaseModel):
    """What a driver must know of an order."""

    model_config = ConfigDict(from_attributes=True)
    pickup_address: str
    delivery_address: str
    cargo_type: Cargo
    weight: KilogramsOut
    status: OrderStatus


class VehicleBrief(BaseModel):
    """The vehicle on the road."""

    model_config = ConfigDict(from_attributes=True)
    license_plate: str


class DriverBrief(BaseModel):
    """The driver on the road."""

    model_config = ConfigDict(from_attributes=True)
    name: str
    phone: str | None


class DispatchOut(Stored):
    """A stored dispatch with what belongs to it; ``status_at`` is when the present status began."""

    order_id: int
    vehicle_id: int
    driver_id: int
    status: DispatchStatus
    status_at: datetime
    order: OrderBrief
    vehicle: VehicleBrief
    driver: DriverBrief


class StepOut(BaseModel):
    """One change of the status; ``user_id`` is the account that made it, null once it is gone."""

    model_config = ConfigDict(from_attributes=True)
    status: DispatchStatus
    at: datetime
    user_id: uuid.UUID | None


class DispatchDetail(DispatchOut):
    """A dispatch with its history, oldest first."""

    history: list[StepOut]


class Filter(PageQuery):
    """Every field narrows; days are Korean and inclusive, of the row's making."""

    date_from: Day | None = None
    date_to: Day | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Filter:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise ValueError("date_from must not be after date_to")
        return self


Words = Annotated[
    Text, Field(max_length=200, description="Words of the two addresses, all of them; 역삼* is a beginning")
]


class OrderQuery(Filter):
    """Which orders."""

    status: OrderStatus | None = None
    q: Words | None = None


class DispatchQuery(Filter):
    """Which dispatches."""

    status: DispatchStatus | None = None
    driver_id: Id | None = None
    q: Words | None = None


class Summary(BaseModel):
    """Dispatches by their present status: all, and those made on this Korean day."""

    day: date
    total: int
    by_status: dict[DispatchStatus, int]
    today: dict[DispatchStatus, int]


class LocationIn(BaseModel):
    """Where the driver is (WGS 84, degrees). ``driver_id`` may be left out where the account has one driver
    of its own, or none but one linked to it by another and on a dispatch. A ``recorded_at`` sent twice is
    stored once."""

    model_config = shape(latitude=37.5665, longitude=126.978)
    latitude: Annotated[float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)]
    recorded_at: RecentMoment | None = None
    driver_id: Reference | None = None


class LocationOut(BaseModel):
    """Where a driver was."""

    model_config = ConfigDict(from_attributes=True)
    driver_id: int
    latitude: float
    longitude: float
    recorded_at: datetime


class LocationQuery(BaseModel):
    """Moments before ``before``, newest first."""

    model_config = ConfigDict(extra="forbid")
    before: Moment | None = None
    page_size: Annotated[int, Field(ge=1, le=1_000)] = 100


class OrderList(Part[OrderOut]):
    """Orders, newest first."""


class DispatchList(Part[DispatchOut]):
    """Dispatches, newest first."""
