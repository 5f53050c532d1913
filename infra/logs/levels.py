"""Levels of log lines: in a field where a program writes JSON, among the words where it writes text."""

from __future__ import annotations

import re
from enum import StrEnum


class Level(StrEnum):
    """How bad is it? In rising order."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


# What programs call it; Kubernetes' own libraries say WARNING and FATAL, others warn and err.
WORDS = {
    Level.DEBUG: ("debug", "trace"),
    Level.INFO: ("info", "notice"),
    Level.WARNING: ("warning", "warn"),
    Level.ERROR: ("error", "err"),
    Level.CRITICAL: ("critical", "fatal", "panic", "emergency", "alert"),
}
# What text is recognised by beside level=…: PostgreSQL's severities (its manual, table 20.2), the marks of
# Redis 7 after process and time, and versitygw's brackets.
TEXTS = {
    Level.DEBUG: (r"\bDEBUG[1-5]?:", r"^\d+:[XCSM] [^*#]{10,32} \. "),
    Level.INFO: (r"\b(LOG|INFO|NOTICE):", r"^\d+:[XCSM] [^*#]{10,32} [*-] "),
    Level.WARNING: (r"\bWARNING:", r"^\d+:[XCSM] [^*#]{10,32} # "),
    Level.ERROR: (r"\bERROR(:|\]:)",),
    Level.CRITICAL: (r"\b(FATAL|PANIC|CRITICAL):",),
}
WORSE_FIRST = tuple(reversed(Level))


def from_on(level: Level) -> tuple[Level, ...]:
    """``level`` and everything worse."""
    return tuple(Level)[tuple(Level).index(level) :]


def field_pattern(levels: tuple[Level, ...]) -> str:
    """What a level field of these levels looks like: RE2 and Python alike."""
    return f"(?i)^({'|'.join(word for level in levels for word in WORDS[level])})$"


def text_pattern(levels: tuple[Level, ...]) -> str:
    """What text of these levels looks like: RE2 and Python alike."""
    words = "|".join(word for level in levels for word in WORDS[level])
    return "|".join((rf'\blevel="?({words})\b', *(text for level in levels for text in TEXTS[level])))


def of(field: str, message: str) -> Level | None:
    """The level of a line; None where neither says one."""
    for level in WORSE_FIRST:
        if re.search(field_pattern((level,)), field):
            return level
        if not field and re.search(text_pattern((level,)), message):
            return level
    return None
