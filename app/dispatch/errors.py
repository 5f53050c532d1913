"""What dispatch refuses, and with which code."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.exc import IntegrityError

from app.core.errors import AppError, ConflictError, constraint_of

# The partial unique indexes of dispatches: constraint → what is on another active dispatch.
BUSY = {
    "uq_dispatches_active_order": "order",
    "uq_dispatches_active_vehicle": "vehicle",
    "uq_dispatches_active_driver": "driver",
}
CONFLICTS = {
    "uq_vehicles_owner_license_plate": "There is a vehicle with this license plate already",
    "uq_drivers_owner_user": "Another driver is linked to this account already",
    "fk_orders_client_id": "Orders refer to the client",
    "fk_dispatches_order_id": "Dispatches refer to the order; cancel it instead",
    "fk_dispatches_vehicle_id": "Dispatches refer to the vehicle",
    "fk_dispatches_driver_id": "Dispatches refer to the driver",
}


class TransitionError(AppError):
    """``details`` has the present status and the allowed next ones."""

    code = "ERR_1503"
    message = "The status cannot follow the present one"

    def __init__(self, status: str, allowed: Iterable[str]) -> None:
        super().__init__(status=str(status), allowed=[str(one) for one in allowed])


class BusyError(AppError):
    """``details.resource`` is order, vehicle or driver."""

    code = "ERR_1505"

    def __init__(self, resource: str) -> None:
        super().__init__(f"The {resource} is on another dispatch", resource=resource)


def refusal(error: IntegrityError) -> AppError:
    """What a violated constraint of this module means to the client."""
    constraint = constraint_of(error)
    if constraint in BUSY:
        return BusyError(BUSY[constraint])
    return ConflictError(CONFLICTS.get(constraint))
