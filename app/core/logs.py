"""JSON logs on stdout, one line an event, also for what uvicorn, alembic and other libraries say."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from app.core.masking import Masker

QUIET = {
    "asyncio": "WARNING",
    "uvicorn.access": "CRITICAL",
    "watchfiles": "WARNING",
    "alembic.runtime.plugins": "WARNING",
    "procrastinate": "CRITICAL",  # app.core.jobs says what happens, once per outage and with trace ids
    "psycopg.pool": "CRITICAL",
}


def _mask(masker: Masker) -> Processor:
    """The processor that masks the whole event."""
    return lambda _logger, _method, event: masker.value(dict(event))


def _to_json(event: Any, **_options: Any) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)


def _drop_colours(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)
    return event


def configure(level: str = "INFO", secrets: Iterable[str] = ()) -> None:
    """Sends every logger of the process to stdout as JSON. ``secrets`` are values that never may appear."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _drop_colours,
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _mask(Masker(secrets)),
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]
    _configure_standard_library(level, shared, last)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _configure_standard_library(level: str, shared: list[Processor], last: list[Processor]) -> None:
    formatter = {"()": structlog.stdlib.ProcessorFormatter, "processors": last, "foreign_pre_chain": shared}
    handler = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": formatter},
            "handlers": {"stdout": handler},
            "root": {"level": level, "handlers": ["stdout"]},
            "loggers": {name: {"level": quiet} for name, quiet in QUIET.items()},
        }
    )
    logging.captureWarnings(True)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose keyword arguments become fields of the line."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound
