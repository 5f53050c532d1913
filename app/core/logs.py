"""JSON logs on stdout, one line an event, also for what uvicorn, alembic and other libraries say.

Rotation is not done here: the container's runtime keeps, rotates and ships what is written to stdout. A line
has the fields timestamp (UTC), level, module, event and, inside a request, trace_id and request_id. It is no
longer than LINE_BYTES, where the runtimes begin to split lines. Whatever is said, a log call never raises,
and nothing is written unmasked.
"""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from app.core.masking import ELLIPSIS, NAME_CHARACTERS, TAILS, Masker

LINE_BYTES = 16 * 1024 - 1  # of UTF-8, without the end of the line: containerd and docker split longer ones
SHORTER = (2_000, 500, 100)  # characters of one field, where the line is too long
LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}
FIRST_FIELDS = ("timestamp", "level", "module", "trace_id", "request_id", "event")
QUIET = {
    "asyncio": "WARNING",
    "uvicorn.access": "CRITICAL",
    "watchfiles": "WARNING",
    "httpx": "WARNING",  # it says whole addresses, with their queries
    "alembic.runtime.plugins": "WARNING",
    "procrastinate": "CRITICAL",  # app.core.jobs says what happens, once per outage and with trace ids
    "psycopg.pool": "CRITICAL",
}


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Makes the line; of a record that cannot be formatted, a line that says so."""

    def format(self, record: logging.LogRecord) -> str:
        """Never raises."""
        try:
            return super().format(record)
        except Exception as error:
            event = {"level": "error", "module": record.name, "event": "a log record cannot be formatted"}
            return json.dumps(event | {"reason": type(error).__name__, "line": record.lineno})


def _arguments(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """``log.info("%s of %s", 1, 2)`` for both kinds of loggers, of which one raises where they do not fit."""
    arguments = event.pop("positional_args", None)
    if arguments:
        only = arguments if isinstance(arguments, dict) else arguments[0] if len(arguments) == 1 else None
        try:
            event["event"] = str(event["event"]) % (only if only and isinstance(only, dict) else arguments)
        except (TypeError, ValueError, KeyError):
            event["arguments"] = arguments
    return event


def _origin(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Which level and which module; and nothing of the machinery."""
    record = event.pop("_record")
    for name in ("_from_structlog", "color_message"):
        event.pop(name, None)
    event.update(level=record.levelname.lower(), module=record.name)
    return event


def _mask(masker: Masker) -> Processor:
    """The processor that masks every field; one that is very large takes no other field's place."""
    return lambda _logger, _method, event: {
        masker.text(name[:NAME_CHARACTERS]): masker.value(value, name) for name, value in event.items()
    }


def _line(_logger: Any, _method: str, event: EventDict) -> str:
    """The event as JSON, with shorter fields where it is too long, in the end with the first fields only."""
    event = {name: event[name] for name in FIRST_FIELDS if name in event} | dict(event)
    line = _to_json(event)
    for limit in SHORTER:
        if len(line) <= LINE_BYTES:
            break
        event = {name: _short(name, value, limit) for name, value in event.items()} | {"truncated": True}
        line = _to_json(event)
    if len(line) > LINE_BYTES:
        line = _to_json({name: event[name] for name in (*FIRST_FIELDS, "truncated") if name in event})
    return line.decode()


def _short(name: str, value: Any, limit: int) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= limit:
        return value
    return ELLIPSIS + text[-limit:] if name in TAILS else text[:limit] + ELLIPSIS


def _to_json(event: Any) -> bytes:
    """UTF-8; what has no UTF-8, a lone surrogate, and what some readers take for the end of a line, as JSON's
    own escapes."""
    line = json.dumps(event, ensure_ascii=False)
    if not line.isascii():
        for mark, escape in LINE_ENDS.items():
            line = line.replace(mark, escape)
    return line.encode("utf-8", "backslashreplace")


def configure(level: str = "INFO", secrets: Iterable[str] = ()) -> None:
    """Sends every logger of the process to stdout as JSON. ``secrets`` are values that never may appear."""
    everybody: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _arguments,
        _origin,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _mask(Masker(secrets)),
        _line,
    ]
    _configure_standard_library(level, everybody)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _configure_standard_library(level: str, processors: list[Processor]) -> None:
    formatter = {
        "()": Formatter,
        "processors": processors,
        "foreign_pre_chain": [structlog.stdlib.ExtraAdder()],
        "use_get_message": False,
        "pass_foreign_args": True,
    }
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
