"""A line as it is shown: whose, when, how bad, what was said, and everything else that it carries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.logs import levels
from infra.logs.levels import Level
from infra.render import logs

OWN = {"_msg", "_time", "_stream", "_stream_id", "level"}
AROUND = "kubernetes."
NANOSECOND_DIGITS = 9


@dataclass(frozen=True)
class Line:
    """``time``: RFC 3339, UTC. ``level`` is None where the line says none."""

    time: str
    app: str
    pod: str
    container: str
    level: Level | None
    message: str
    fields: Mapping[str, str]

    @property
    def order(self) -> str:
        """Sorts by time: the digits of a second have no fixed number."""
        moment, _, fraction = self.time.removesuffix("Z").partition(".")
        return f"{moment}.{fraction.ljust(NANOSECOND_DIGITS, '0')}"

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return {
            "time": self.time,
            "app": self.app,
            "pod": self.pod,
            "container": self.container,
            "level": self.level,
            "message": self.message,
            "fields": dict(self.fields),
        }


def of_row(row: Mapping[str, str]) -> Line:
    """A row of VictoriaLogs' answer."""
    message = row.get("_msg", "")
    return Line(
        time=row["_time"],
        app=row.get(logs.APP, ""),
        pod=row.get(logs.POD, ""),
        container=row.get(logs.CONTAINER, ""),
        level=levels.of(row.get("level", ""), message),
        message=message,
        fields={
            name: value for name, value in row.items() if name not in OWN and not name.startswith(AROUND)
        },
    )


def in_order(found: Iterable[Line]) -> list[Line]:
    """The oldest first, each once: a collector that was killed reads its last minute again."""
    each = {(line.order, line.pod, line.message, *sorted(line.fields.items())): line for line in found}
    return sorted(each.values(), key=lambda line: line.order)


def harmless(text: str) -> str:
    """Without what a terminal would obey: whoever writes a line must not paint over others."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)
