"""The service's entry: settings, logs, application, server."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from app import contract
from app.core import errors, handlers, health, logs, openapi, schedules, tracing
from app.core.auth import router as auth_routes
from app.core.auth.tokens import TokenVerifier
from app.core.cache import Cache
from app.core.cache import router as cache_routes
from app.core.context import Context
from app.core.database import Database
from app.core.jobs import router as batch_routes
from app.core.jobs.runner import Jobs
from app.core.metrics import Metrics
from app.core.middleware.addresses import AddressMiddleware
from app.core.middleware.body import BodyLimitMiddleware
from app.core.middleware.cors import StrictCors
from app.core.middleware.headers import DOCS_PATH
from app.core.middleware.identity import IdentityMiddleware
from app.core.middleware.rate_limit import RateLimitMiddleware
from app.core.middleware.request import LastResort, RequestMiddleware
from app.core.monitoring import router as monitoring_routes
from app.core.monitoring.store import EventStore
from app.core.problems import EXIT_MISCONFIGURED, MisconfiguredError
from app.core.protocol import BoundedProtocol
from app.core.rate_limit import RateLimiter
from app.core.redis import RedisLink
from app.core.server import DrainingServer, StoppingMiddleware
from app.modules import chosen
from app.settings import EnvironmentSettings, Settings, read

# FastAPI's own would have paths, queries and what an exception says, wherever anybody sets a global provider
# or FASTAPI_OTEL_AUTO_CONFIGURE; app.core.tracing is ours.
OWN_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
KEEP_ALIVE_SECONDS = 75  # longer than the load balancers' usual 60: they, not we, close idle connections


def configure() -> tuple[Settings, dict[str, EnvironmentSettings]]:
    """The core's and the chosen modules' settings. Raises MisconfiguredError with every problem of both."""
    settings, problems = read(Settings)
    parts: dict[str, EnvironmentSettings] = {}
    for module in chosen(settings.modules if settings else contract.MODULES):
        part, more = read(module.settings)
        problems += more
        if part:
            parts[module.name] = part
    if settings is None or problems:
        raise MisconfiguredError(problems)
    return settings, parts


def make_context(settings: Settings, configured: dict[str, EnvironmentSettings]) -> Context:
    """The parts of one application; nothing connects before it is needed."""
    modules = chosen(settings.modules)
    kinds = [kind for module in modules for kind in module.batch_kinds]
    route_limits = {path: limits for module in modules for path, limits in module.rate_limits.items()}
    metrics = Metrics(settings.version, settings.environment, [kind.name for kind in kinds])
    database = Database(settings)
    metrics.watch_pool(database.in_use, database.idle)
    link = RedisLink(settings.redis_url.get_secret_value())
    spans = tracing.make(settings, metrics, database, link)
    context = Context(
        settings=settings,
        modules=configured,
        metrics=metrics,
        database=database,
        cache=Cache(link, metrics),
        limiter=RateLimiter(link, settings, route_limits),
        authenticator=TokenVerifier(settings, watch=spans.watch_client if spans else None),
        events=EventStore(settings, database, metrics),
        tracing=spans,
    )
    for module in modules:
        if module.metrics:
            module.metrics(metrics.registry)
    context.jobs = Jobs(context, kinds, schedules.collect(modules))
    return context


def create_app(context: Context) -> FastAPI:
    """The ASGI application over these parts; it closes them at its end."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        context.start()
        yield
        await context.jobs.stop()
        await context.close()

    settings = context.settings
    app = FastAPI(
        title="slipway service",
        version=settings.version,
        lifespan=lifespan,
        redirect_slashes=False,  # Location would repeat the Host header, and say http behind a proxy
        docs_url=DOCS_PATH if settings.environment == "development" else None,
        redoc_url=None,
        telemetry=OWN_TELEMETRY,
        responses=errors.documented("ERR_1000", "ERR_1600"),
        description="Money is sent as text with two decimals, so that no digit is lost; "
        "numbers are accepted too. Every error has the same body, see ErrorBody.",
    )
    app.state.context = context
    handlers.install(app, context.metrics, context.events)
    for own in (health, auth_routes, cache_routes, monitoring_routes, batch_routes):
        app.include_router(own.router)
    limits: dict[str, int] = {}
    for module in chosen(settings.modules):
        limits.update(module.body_limits)
        for router in module.routers:
            app.include_router(router)
    openapi.install(app)
    add_chain(app, context, limits)
    return app


def add_chain(app: FastAPI, context: Context, body_limits: dict[str, int]) -> None:
    """The middleware, innermost first: whatever is added later sees a request earlier."""
    app.add_middleware(BodyLimitMiddleware, limits=body_limits, seconds=context.settings.body_seconds)
    app.add_middleware(RateLimitMiddleware, context=context)
    app.add_middleware(IdentityMiddleware, context=context)
    app.add_middleware(AddressMiddleware, context=context)
    app.add_middleware(StoppingMiddleware, context=context)
    app.add_middleware(LastResort)
    if context.settings.allowed_origins:
        app.add_middleware(StrictCors, origins=context.settings.allowed_origins)
    app.add_middleware(RequestMiddleware, context=context)


def make_server(context: Context) -> DrainingServer:
    """One worker; replicas are the deployment's matter."""
    config = uvicorn.Config(
        create_app(context),
        host=context.settings.host,
        port=context.settings.port,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=contract.GRACEFUL_SECONDS,
    )
    return DrainingServer(config, context)


def main() -> int:
    """Exit code 2 where the environment is wrong, with every problem on standard error."""
    try:
        settings, modules = configure()
    except MisconfiguredError as error:
        print(error, file=sys.stderr)
        return EXIT_MISCONFIGURED
    logs.configure(settings.log_level, settings.secrets())
    logs.logger("app.main").info(
        "starting", version=settings.version, environment=settings.environment, modules=settings.modules
    )
    make_server(make_context(settings, modules)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
