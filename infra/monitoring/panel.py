"""Dashboards as data: what a panel asks, in which unit, from where on it is bad, and which alerts it shows.

infra/render/dashboards.py makes Grafana's JSON of them, infra/dashboards draws them without Grafana.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum

from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.needs import Need

MOST_NUMBER = 1_000_000


class Kind(StrEnum):
    """How is a panel drawn?"""

    GRAPH = "graph"  # a line for each series
    STACK = "stack"  # lines that add up
    STAT = "stat"  # the value now, large
    BARS = "bars"  # the value of each series now, side by side
    STATES = "states"  # for each series when it was 1 and when 0


class Unit(StrEnum):
    """In what is it measured? The words are Grafana's (packages/grafana-data, valueFormats)."""

    NUMBER = "short"
    SECONDS = "s"
    BYTES = "bytes"  # in powers of 1,024
    BYTES_PER_SECOND = "binBps"
    SHARE = "percentunit"  # 0 to 1
    PER_SECOND = "ops"
    REQUESTS = "reqps"
    CORES = "none"


class Bad(StrEnum):
    """Of a panel of states: which value is wrong?"""

    ZERO = "0"
    ONE = "1"


WIDTHS = {Kind.GRAPH: 8, Kind.STACK: 8, Kind.STAT: 4, Kind.BARS: 8, Kind.STATES: 8}
HEIGHTS = {Kind.GRAPH: 8, Kind.STACK: 8, Kind.STAT: 4, Kind.BARS: 8, Kind.STATES: 8}


AT_ONE_MOMENT = frozenset({Kind.STAT, Kind.BARS})  # what they show is no course over time


@dataclass(frozen=True)
class Query:
    """PromQL, in which ``$__rate_interval`` and the dashboard's variables may stand; ``legend`` names a
    series, with its labels as ``{{label}}``."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Threshold:
    """An alert's own limit. ``below``: what is under it is bad, and not what is above."""

    value: float
    severity: Severity
    below: bool = False


@dataclass(frozen=True)
class Panel:
    """``key``: what it is known by, for ever: its number and every link to it follow from it. ``alerts``: the
    names of those that speak of the same. ``need``: what a stack must have for it."""

    key: str
    title: str
    unit: Unit
    queries: tuple[Query, ...]
    description: str
    kind: Kind = Kind.GRAPH
    thresholds: tuple[Threshold, ...] = ()
    alerts: tuple[str, ...] = ()
    need: Need = Need.NOTHING
    bad: Bad = Bad.ZERO
    wide: bool = False

    @property
    def number(self) -> int:
        """Its id in Grafana: CRC-32 of the key, so that a panel that is added moves no other."""
        return 1 + zlib.crc32(self.key.encode()) % MOST_NUMBER

    @property
    def width(self) -> int:
        """Of Grafana's 24 columns."""
        return WIDTHS[self.kind] + (4 if self.wide else 0)

    @property
    def height(self) -> int:
        """In Grafana's rows of 30 pixels."""
        return HEIGHTS[self.kind]


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """What a reader chooses: the values of ``label`` among the series of ``metric``, all of them at first."""

    name: str
    title: str
    metric: str
    label: str


@dataclass(frozen=True)
class Board:
    """One dashboard; ``need`` as of a panel."""

    uid: Dashboard
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    need: Need = Need.NOTHING

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Of all rows, in their order."""
        return tuple(panel for row in self.rows for panel in row.panels)
