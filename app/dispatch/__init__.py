"""Dispatch of refrigerated freight (D2): orders, vehicles, drivers, trips, locations."""

from app.core.checks import Check
from app.core.jobs.kinds import Schedule
from app.core.module import Module
from app.core.values import Limits
from app.dispatch import locations
from app.dispatch.routes import fleet, mobile, orders
from app.dispatch.settings import DispatchSettings

MODULE = Module(
    name="dispatch",
    routers=(orders.router, fleet.router, mobile.router),
    settings=DispatchSettings,
    # An application on a dashboard asks for list and summary every few seconds, the whole day.
    # A position every two seconds all day long; the minute allows for what a dead spot held back.
    rate_limits={
        mobile.MOBILE_PATH: Limits(120, 3_600, 30_000),
        mobile.LOCATION_PATH: Limits(120, 3_600, 43_200),
    },
    schedules=(Schedule("dispatch-forget-locations", lambda _: locations.FORGET_CRON, locations.forget),),
    checks=(
        Check("clients", "/api/v1/clients?page_size=1", {"items": [], "next_cursor": None}),
        Check("vehicles", "/api/v1/vehicles?page_size=1", {"items": [], "next_cursor": None}),
        Check("drivers", "/api/v1/drivers?page_size=1", {"items": [], "next_cursor": None}),
        Check("orders", "/api/v1/orders?page=1&page_size=1", {"items": [], "total": 0}),
        Check("search of orders", "/api/v1/orders?q=seoul", {"items": []}),
        Check("dispatches", "/api/v1/dispatches?page=1&page_size=1", {"items": [], "total": 0}),
        Check("a driver's dispatches", f"{mobile.MOBILE_PATH}/dispatches", {"items": []}),
        Check("a driver's summary", f"{mobile.MOBILE_PATH}/summary", {"total": 0, "by_status.COMPLETED": 0}),
        Check("a driver's links", f"{mobile.MOBILE_PATH}/links", {"items": []}),
    ),
)
