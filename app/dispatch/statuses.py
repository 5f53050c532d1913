"""The closed vocabularies of freight, and the one table of what may follow what.

ASSIGNED may become COMPLETED at once: a dispatcher closes the trip of a driver who has no application.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

KOREA = timezone(timedelta(hours=9), "KST")  # whose midnight ends a day; no daylight saving since 1988


class Cargo(StrEnum):
    """At which temperature does it travel?"""

    FROZEN = "frozen"
    CHILLED = "chilled"
    AMBIENT = "ambient"


KOREAN_CARGO = {"냉동": Cargo.FROZEN, "냉장": Cargo.CHILLED, "상온": Cargo.AMBIENT}


class OrderStatus(StrEnum):
    """How far has the customer's order come?"""

    PENDING = "PENDING"
    ASSIGNED = "ASSIGNED"
    IN_TRANSIT = "IN_TRANSIT"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class DispatchStatus(StrEnum):
    """How far has the trip come?"""

    ASSIGNED = "ASSIGNED"
    ACCEPTED = "ACCEPTED"
    PICKED_UP = "PICKED_UP"
    IN_TRANSIT = "IN_TRANSIT"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class Stage(NamedTuple):
    """``then`` may follow; ``order`` is what the trip's order becomes. Nothing follows a final stage."""

    then: tuple[DispatchStatus, ...]
    order: OrderStatus


_D = DispatchStatus
STAGES = {
    _D.ASSIGNED: Stage((_D.ACCEPTED, _D.REJECTED, _D.COMPLETED, _D.CANCELLED), OrderStatus.ASSIGNED),
    _D.ACCEPTED: Stage((_D.PICKED_UP, _D.IN_TRANSIT, _D.COMPLETED, _D.CANCELLED), OrderStatus.ASSIGNED),
    _D.PICKED_UP: Stage((_D.IN_TRANSIT, _D.COMPLETED, _D.CANCELLED), OrderStatus.IN_TRANSIT),
    _D.IN_TRANSIT: Stage((_D.COMPLETED, _D.CANCELLED), OrderStatus.IN_TRANSIT),
    _D.COMPLETED: Stage((), OrderStatus.COMPLETED),
    _D.REJECTED: Stage((), OrderStatus.PENDING),
    _D.CANCELLED: Stage((), OrderStatus.PENDING),
}
ACTIVE = tuple(status for status, stage in STAGES.items() if stage.then)
DISPATCHER_ONLY = {DispatchStatus.CANCELLED}  # a driver rejects; calling a trip off is the dispatcher's
# What an order's owner may do to it directly; everything else follows from its dispatch.
ORDER_THEN = {status: () for status in OrderStatus} | {OrderStatus.PENDING: (OrderStatus.CANCELLED,)}
FINAL_ORDERS = (OrderStatus.COMPLETED, OrderStatus.CANCELLED)


def allowed_after(status: DispatchStatus, *, driver: bool) -> tuple[DispatchStatus, ...]:
    """What may follow, for the dispatcher or for the driver's own account."""
    return tuple(then for then in STAGES[status].then if not (driver and then in DISPATCHER_ONLY))
