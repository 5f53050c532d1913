"""What is looked for, checked before anything is asked, and its query in LogsQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.errors import EXIT_USAGE, Problem, UserError
from infra.logs import levels
from infra.logs.levels import Level
from infra.render import logs
from infra.render.logs import quoted
from infra.render.monitoring import SERVICE
from infra.settings.logs import Store

TRACE = re.compile(r"[A-Za-z0-9._-]{1,128}")  # what the service takes as X-Request-ID; a trace id is one too
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
APP = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
AGE = re.compile(r"(\d{1,5})(s|m|h|d)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MOST_WORDS = 500
SINCE = "1h"  # without a trace id, of which all lines are wanted


@dataclass(frozen=True)
class Search:
    """What is looked for; both moments have a time zone. ``words`` stand together, whatever their case."""

    trace: str | None = None
    level: Level | None = None
    app: str | None = None
    words: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def stores(self) -> tuple[Store, ...]:
        """Where its lines can be."""
        if self.app is None:
            return tuple(Store)
        return (Store.SERVICE if self.app == SERVICE else Store.PARTS,)

    @property
    def told(self) -> str:
        """The same in words: ``level error or worse, since 2026-11-28 11:40 UTC``."""
        words = [
            f"trace {self.trace}" if self.trace else "",
            f"level {self.level} or worse" if self.level else "",
            f"app {self.app}" if self.app else "",
            f"words {self.words!r}" if self.words else "",
            f"since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else "in all that is kept",
            f"until {self.until:%Y-%m-%d %H:%M:%S} UTC" if self.until else "",
        ]
        return ", ".join(filter(None, words))


def search(
    now: datetime,
    *,
    trace: str | None = None,
    level: str | None = None,
    app: str | None = None,
    words: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Search:
    """Raises UserError with everything that is wrong. Moments are ages such as 90s, 15m, 2h, 3d, or RFC 3339
    with a time zone."""
    problems = list(_wrong(trace, level, app, words))
    since = since or (None if trace else SINCE)
    begin, end = _moment("--since", since, now, problems), _moment("--until", until, now, problems)
    if begin and end and begin >= end:
        problems.append(Problem("--since", f"{since} is not before --until {until}", "swap or widen them"))
    if problems:
        raise UserError(problems, exit_code=EXIT_USAGE)
    whole = TRACEPARENT.fullmatch(trace or "")
    wanted = Level(level) if level else None
    return Search(whole[1] if whole else trace, wanted, app, words, begin, end)


def _wrong(trace: str | None, level: str | None, app: str | None, words: str | None) -> Iterator[Problem]:
    if trace is not None and not TRACE.fullmatch(trace):
        form = "letters, digits, dot, hyphen and underscore, 128 at most, as the answer's X-Request-ID has it"
        yield Problem(f"--trace {trace[:40]!r}", "is no trace id", f"use {form}")
    if level is not None and level not in set(Level):
        yield Problem(f"--level {level[:40]!r}", "is no level", f"use one of {', '.join(Level)}")
    if app is not None and not APP.fullmatch(app):
        yield (Problem(f"--app {app[:40]!r}", "is no part's name", "slipway status STACK names them"))
    if words is not None and not _plain(words):
        what = f"is empty, longer than {MOST_WORDS} characters, or has characters that no line has"
        yield Problem(f"--grep {words[:40]!r}", what, "use words as they stand in the line")


def _plain(words: str) -> bool:
    return words.strip() != "" and len(words) <= MOST_WORDS and words.isprintable()


def _moment(option: str, text: str | None, now: datetime, problems: list[Problem]) -> datetime | None:
    if text is None:
        return None
    if age := AGE.fullmatch(text):
        return now - timedelta(**{UNITS[age[2]]: int(age[1])})
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        what = "says no time zone"
    except (ValueError, OverflowError):
        what = "is neither an age nor a moment"
    example = "such as 90s, 15m, 2h, 3d, or 2026-11-28T03:00+09:00"
    problems.append(Problem(f"{option} {text[:40]!r}", what, f"use one {example}"))
    return None


def query(wanted: Search) -> str:
    """LogsQL; every value is a quoted string in it, so that none becomes a part of the query. The span of
    time goes beside it."""
    filters = []
    if wanted.trace:
        trace = quoted(wanted.trace)
        filters.append(f"(trace_id:={trace} or request_id:={trace})")
    if wanted.app:
        filters.append(f"{quoted(logs.APP)}:={quoted(wanted.app)}")
    if wanted.words:
        filters.append(f"*:i({quoted(wanted.words)})")
    if wanted.level is Level.INFO:  # and what says no level
        filters.append(f"!({_of((Level.DEBUG,))})")
    elif wanted.level not in {None, Level.DEBUG}:
        filters.append(f"({_of(levels.from_on(wanted.level or Level.DEBUG))})")
    return " ".join(filters) or "*"


def _of(found: tuple[Level, ...]) -> str:
    field, text = quoted(levels.field_pattern(found)), quoted(levels.text_pattern(found))
    return f'level:~{field} or (level:"" _msg:~{text})'
