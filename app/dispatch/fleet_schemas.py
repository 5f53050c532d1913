"""What the routes of clients, vehicles and drivers take and give."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.core.text import Name, Text
from app.dispatch.fields import Phone, Stored, Version, shape
from app.dispatch.paging import Part


class ClientIn(BaseModel):
    """Who orders."""

    model_config = shape(name="한빛식품", phone="+82 2 555 0100")
    name: Annotated[Name, Field(max_length=255)]
    phone: Phone | None = None


class ClientChange(ClientIn):
    """Every field of a client."""

    model_config = shape(name="한빛식품", phone=None, version=1)
    version: Version


class ClientOut(Stored):
    """A stored client."""

    name: str
    phone: str | None


class VehicleIn(BaseModel):
    """What drives. A license plate is unique among one's own."""

    model_config = shape(license_plate="12가 3456", description="5 t, -25 °C")
    license_plate: Annotated[Name, Field(max_length=20)]
    description: Annotated[Text, Field(max_length=255)] | None = None


class VehicleChange(VehicleIn):
    """Every field of a vehicle."""

    model_config = shape(license_plate="12가 3456", description=None, version=1)
    version: Version


class VehicleOut(Stored):
    """A stored vehicle."""

    license_plate: str
    description: str | None


class DriverIn(BaseModel):
    """Who drives. ``user_id`` links the driver's own account, by the id that its /auth/me shows, which nobody
    can guess. The account then sees and moves this driver's dispatches; it sees its links, and ends them, at
    /mobile/links."""

    model_config = shape(name="김기사", phone="+82 10 5550 0100")
    name: Annotated[Name, Field(max_length=255)]
    phone: Phone | None = None
    user_id: uuid.UUID | None = None


class DriverChange(DriverIn):
    """Every field of a driver."""

    model_config = shape(name="김기사", phone=None, user_id=None, version=1)
    version: Version


class DriverOut(Stored):
    """A stored driver."""

    name: str
    phone: str | None
    user_id: uuid.UUID | None


class LinkOut(BaseModel):
    """A driver, of whomever, that the asking account is linked to."""

    model_config = ConfigDict(from_attributes=True)
    id: int = Field(description="The driver's")
    name: str
    phone: str | None
    created_at: datetime


class ClientList(Part[ClientOut]):
    """Clients, newest first."""


class VehicleList(Part[VehicleOut]):
    """Vehicles, newest first."""


class DriverList(Part[DriverOut]):
    """Drivers, newest first."""


class LinkList(Part[LinkOut]):
    """Linked drivers, newest first."""
