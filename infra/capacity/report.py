"""The report of `slipway rightsize`: every container measured, what follows for its key, the lines for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from infra.capacity import formula, parts
from infra.capacity.formula import Proposal, Use
from infra.capacity.parts import Key
from infra.names import PROJECT
from infra.render import monitoring
from infra.settings.base import Resources
from infra.settings.model import Settings

# postgresql.conf is tuned from the limit (infra/limits.py), and Redis' data may take its share of it.
SIZED_BY_LIMIT = frozenset({(monitoring.POSTGRES, "resources"), (monitoring.REDIS, "resources")})
FIELDS = tuple(Resources.model_fields)


@dataclass(frozen=True)
class Row:
    """One container. ``note``: what to think of its figures, if anything."""

    container: str
    key: Key
    requested: Resources
    use: Use
    proposal: Proposal
    note: str | None


@dataclass(frozen=True)
class Report:
    """``unmeasured``: containers of the stack of which there is no figure in that time."""

    stack: str
    hours: int
    rows: tuple[Row, ...]
    unmeasured: tuple[str, ...]

    @property
    def changes(self) -> dict[Key, dict[str, str]]:
        """Key → the values that would change, new; nothing where all is well sized."""
        found = {}
        for row in self.rows:
            old, new = row.requested.model_dump(), row.proposal.resources.model_dump()
            if changed := {field: new[field] for field in FIELDS if new[field] != old[field]}:
                found[row.key] = changed
        return found

    @property
    def lines(self) -> str:
        """YAML for the stack file, as it stands there; empty without a change."""
        sections: dict[str, Any] = {}
        for key, values in self.changes.items():
            place = sections.setdefault(f"{PROJECT}:{key[0]}", {})
            for part in key[1:]:
                place = place.setdefault(part, {})
            place.update(values)
        return yaml.safe_dump({"config": sections}, sort_keys=False) if sections else ""


def made(settings: Settings, measured: Mapping[str, Use], hours: int) -> Report:
    """Containers that share a key get one proposal, enough for the largest."""
    known = parts.keys(settings)
    rows = tuple(_rows(settings, measured, known, hours))
    unmeasured = tuple(sorted(container for container in known if container not in measured))
    return Report(str(settings.stack), hours, rows, unmeasured)


def _rows(
    settings: Settings, measured: Mapping[str, Use], known: Mapping[str, Key], hours: int
) -> Iterator[Row]:
    sharing: dict[Key, list[Use]] = {}
    for container, key in known.items():
        if container in measured:
            sharing.setdefault(key, []).append(measured[container])
    for container, key in known.items():
        if container in measured:
            present = parts.requested(settings, key)
            proposal = formula.proposed(
                formula.together(sharing[key]), present, sized_by_limit=key in SIZED_BY_LIMIT
            )
            use = measured[container]
            yield Row(container, key, present, use, proposal, formula.preliminary(use, hours))


def as_data(report: Report) -> dict[str, Any]:
    """For scripts: CPU in millicores, memory in bytes."""
    return {
        "stack": report.stack,
        "window_hours": report.hours,
        "containers": [_row(row) for row in report.rows],
        "not_measured": list(report.unmeasured),
        "lines": report.lines,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "container": row.container,
        "key": ".".join(row.key),
        "requested": row.requested.model_dump(),
        "measured": {
            "cpu_p95_millicores": round(row.use.cpu, 1),
            "memory_max_bytes": int(row.use.memory),
            "hours": round(row.use.hours, 1),
            "killed_for_memory": row.use.kills,
        },
        "proposed": row.proposal.resources.model_dump(),
        "reasons": list(row.proposal.reasons),
        "note": row.note,
    }
