"""Logs: whether lines are read, arrive and can be stored. A row of the monitoring's dashboard."""

from __future__ import annotations

from infra.monitoring.alert import Severity
from infra.monitoring.alerts import logs
from infra.monitoring.needs import Need
from infra.monitoring.panel import Bad, Kind, Panel, Query, Threshold, Unit
from infra.monitoring.promql import BETWEEN
from infra.settings.model import Settings


def panels(settings: Settings) -> tuple[Panel, ...]:
    """Read and stored lines stand in one panel: they are the same where nothing is held up."""
    read, stored = (logs.rows(settings, who, BETWEEN, "rate") for who in (logs.READ_BY, logs.STORED_BY))
    return (
        Panel(
            "logs-lines",
            "Lines read and stored",
            Unit.PER_SECOND,
            (Query(read, "read for {{store}}"), Query(stored, "stored in {{store}}")),
            "What is read and not stored waits on the nodes.",
            alerts=("LogsNotArriving", "LogsNotWatched"),
            need=Need.LOGS,
        ),
        *_stores(settings),
        Panel(
            "logs-dropped",
            "Lines and packets dropped within 10 minutes",
            Unit.NUMBER,
            tuple(Query(each, "{{store}}") for each in logs.dropped(settings)),
            "Lines that were too old when they were first read do not count.",
            thresholds=(Threshold(0, Severity.WARNING),),
            alerts=("LogsDropped",),
            need=Need.LOGS,
        ),
    )


def _stores(settings: Settings) -> tuple[Panel, ...]:
    return (
        Panel(
            "logs-answers",
            "Stores answer",
            Unit.NUMBER,
            (Query(logs.answers(settings), "{{part}}"),),
            "Bad: new lines wait on the nodes, and nothing can be searched.",
            Kind.STATES,
            alerts=("LogStoreDown",),
            need=Need.LOGS,
        ),
        Panel(
            "logs-full",
            "Stores take nothing more",
            Unit.NUMBER,
            (Query(logs.full(settings), "{{part}}"),),
            "Bad: the volume is full, and what is there can still be searched.",
            Kind.STATES,
            alerts=("LogStoreFull",),
            need=Need.LOGS,
            bad=Bad.ONE,
        ),
    )
