"""Figures that Prometheus works out ahead, as data; infra/render/alerts.py writes them beside the alerts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recording:
    """``name`` as Prometheus advises: level, metric, operation."""

    name: str
    expression: str


@dataclass(frozen=True)
class RecordingGroup:
    """Rules that are evaluated one after the other; ``interval`` where it is not Prometheus' own."""

    name: str
    rules: tuple[Recording, ...]
    interval: str | None = None
