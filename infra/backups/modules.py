"""The service's modules as restores and drills see them: what is personal, and what must hold of the rows.

Data only. Tests compare it with the models of app/, which this program does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mask(StrEnum):
    """What stands in a personal value's place? masking.py says how it is made."""

    EMAIL = "email"
    ACCOUNT = "account"  # an identity provider's id, or our own behind ``local:``
    PASSWORD = "password"  # noqa: S105  what no password fits
    NAME = "name"
    PHONE = "phone"  # other digits in the same form
    PLATE = "plate"  # at most 20 characters, and never twice
    TEXT = "text"
    ADDRESS = "address"
    JSON = "json"  # an empty object
    NOTHING = "nothing"  # NULL
    PLACE = "place"  # a coordinate in whole degrees


@dataclass(frozen=True)
class Masked:
    """``only``: the rows, as SQL, where not all of them are somebody's."""

    how: Mask
    only: str = ""


@dataclass(frozen=True)
class Check:
    """Something that holds of every good database. ``query``: one number, how often it does not."""

    name: str
    query: str


@dataclass(frozen=True)
class Module:
    """``personal``: table → column → how it is masked. ``checks``: of its tables."""

    personal: Mapping[str, Mapping[str, Masked]]
    checks: tuple[Check, ...]


OWN = "user_id IS NOT NULL"
CORE = Module(
    personal={
        "users": {
            "clerk_user_id": Masked(Mask.ACCOUNT),
            "email": Masked(Mask.EMAIL),
            "password_hash": Masked(Mask.PASSWORD),
        },
        "deleted_users": {"clerk_user_id": Masked(Mask.ACCOUNT)},
        "batch_jobs": {"error": Masked(Mask.TEXT)},
        "batch_items": {
            "item": Masked(Mask.JSON),
            "result": Masked(Mask.NOTHING),
            "error": Masked(Mask.NOTHING),
        },
        "monitoring_events": {"message": Masked(Mask.TEXT), "request_id": Masked(Mask.TEXT)},
    },
    checks=(
        Check(
            "the schema has one revision",
            "SELECT abs(count(*) - 1) FROM alembic_version",
        ),
        Check(
            "nobody is both a user and deleted",
            "SELECT count(*) FROM users JOIN deleted_users USING (clerk_user_id)",
        ),
        Check(
            "a job has as many items as it says",
            "SELECT count(*) FROM batch_jobs j"
            " WHERE j.total_items <> (SELECT count(*) FROM batch_items i WHERE i.job_id = j.id)",
        ),
        Check(
            "a job's counts are those of its items",
            "SELECT count(*) FROM batch_jobs j"
            " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE i.status <> 'pending') AS processed,"
            " count(*) FILTER (WHERE i.status = 'failed') AS failed"
            " FROM batch_items i WHERE i.job_id = j.id) c"
            " WHERE (j.processed_items, j.failed_items) <> (c.processed, c.failed)",
        ),
    ),
)
LEDGER = Module(
    personal={
        "categories": {"name": Masked(Mask.TEXT, only=OWN)},
        "recurring_transactions": {
            "template_name": Masked(Mask.TEXT),
            "description": Masked(Mask.TEXT),
        },
        "transactions": {"description": Masked(Mask.TEXT)},
    },
    checks=(
        Check(
            "there are default categories",
            "SELECT CASE WHEN EXISTS (SELECT FROM categories WHERE is_default) THEN 0 ELSE 1 END",
        ),
        Check(
            "a category is nobody's exactly if it is a default",
            "SELECT count(*) FROM categories WHERE is_default <> (user_id IS NULL)",
        ),
        Check(
            "an entry's category is its user's own or a default",
            "SELECT count(*) FROM transactions t JOIN categories c ON c.id = t.category_id"
            " WHERE c.user_id <> t.user_id",
        ),
        Check(
            "an entry's template is its user's own",
            "SELECT count(*) FROM transactions t JOIN recurring_transactions r ON r.id = t.recurring_id"
            " WHERE r.user_id <> t.user_id",
        ),
        Check(
            "a template's category is its user's own or a default",
            "SELECT count(*) FROM recurring_transactions r JOIN categories c ON c.id = r.category_id"
            " WHERE c.user_id <> r.user_id",
        ),
        Check(
            "an entry's user exists",
            "SELECT count(*) FROM transactions t WHERE NOT EXISTS"
            " (SELECT FROM users u WHERE u.id = t.user_id)",
        ),
        Check(
            "whoever has entries has a book",
            "SELECT count(*) FROM (SELECT DISTINCT user_id FROM transactions) t WHERE NOT EXISTS"
            " (SELECT FROM ledger_books b WHERE b.user_id = t.user_id)",
        ),
    ),
)
ACTIVE = "('ASSIGNED', 'ACCEPTED', 'PICKED_UP', 'IN_TRANSIT')"
NEXT_ID = """
SELECT count(*) FROM (
    SELECT 'clients' AS name, max(id) AS last FROM clients
    UNION ALL SELECT 'vehicles', max(id) FROM vehicles
    UNION ALL SELECT 'drivers', max(id) FROM drivers
    UNION ALL SELECT 'orders', max(id) FROM orders
    UNION ALL SELECT 'dispatches', max(id) FROM dispatches
    UNION ALL SELECT 'dispatch_steps', max(id) FROM dispatch_steps
) t
WHERE last > coalesce(pg_sequence_last_value(pg_get_serial_sequence('public.' || t.name, 'id')::regclass), 0)
"""
DISPATCH = Module(
    personal={
        "clients": {"name": Masked(Mask.NAME), "phone": Masked(Mask.PHONE)},
        "vehicles": {"license_plate": Masked(Mask.PLATE), "description": Masked(Mask.TEXT)},
        "drivers": {"name": Masked(Mask.NAME), "phone": Masked(Mask.PHONE)},
        "orders": {"pickup_address": Masked(Mask.ADDRESS), "delivery_address": Masked(Mask.ADDRESS)},
        "driver_locations": {"latitude": Masked(Mask.PLACE), "longitude": Masked(Mask.PLACE)},
    },
    checks=(
        Check(
            "an order's client is its owner's",
            "SELECT count(*) FROM orders o JOIN clients c ON c.id = o.client_id"
            " WHERE c.owner_id <> o.owner_id",
        ),
        Check(
            "a dispatch's order, vehicle and driver are its owner's",
            "SELECT count(*) FROM dispatches d JOIN orders o ON o.id = d.order_id"
            " JOIN vehicles v ON v.id = d.vehicle_id JOIN drivers r ON r.id = d.driver_id"
            " WHERE (o.owner_id, v.owner_id, r.owner_id) <> (d.owner_id, d.owner_id, d.owner_id)",
        ),
        Check(
            "an order under way has a dispatch under way",
            "SELECT count(*) FROM orders o"  # noqa: S608
            " WHERE o.status IN ('ASSIGNED', 'IN_TRANSIT') AND NOT EXISTS"
            f" (SELECT FROM dispatches d WHERE d.order_id = o.id AND d.status IN {ACTIVE})",
        ),
        Check(
            "a dispatch under way has an order under way",
            "SELECT count(*) FROM dispatches d JOIN orders o ON o.id = d.order_id"  # noqa: S608
            f" WHERE d.status IN {ACTIVE} AND o.status NOT IN ('ASSIGNED', 'IN_TRANSIT')",
        ),
        Check(
            "a dispatch has the status of its last step",
            "SELECT count(*) FROM dispatches d JOIN LATERAL (SELECT s.status FROM dispatch_steps s"
            " WHERE s.dispatch_id = d.id ORDER BY s.id DESC LIMIT 1) last ON true"
            " WHERE last.status <> d.status",
        ),
        Check("the next id is above every id", NEXT_ID.strip()),
    ),
)
MODULES: Mapping[str, Module] = {"core": CORE, "ledger": LEDGER, "dispatch": DISPATCH}
