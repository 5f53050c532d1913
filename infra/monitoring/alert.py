"""One alert as data: what Prometheus asks, from when it counts, and what it says to whoever is woken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """When must somebody look?"""

    CRITICAL = "critical"  # at once, at night too
    WARNING = "warning"  # on the next working day
    NONE = "none"  # never: it is there to be missed when it does not come


class Part(StrEnum):
    """Which part of a stack is it about?"""

    SERVICE = "service"
    DATABASE = "database"
    CACHE = "cache"
    BACKUPS = "backups"
    NODE = "node"
    DEPLOYMENT = "deployment"
    CERTIFICATES = "certificates"
    MONITORING = "monitoring"
    LOGS = "logs"
    SLO = "slo"


class Dashboard(StrEnum):
    """On which dashboard does one see it? The word is the dashboard's uid."""

    SERVICE = "service"
    MODULES = "modules"
    POSTGRES = "postgres"
    REDIS = "redis"
    BACKUPS = "backups"
    KUBERNETES = "kubernetes"
    MONITORING = "monitoring"
    SLO = "slo"


@dataclass(frozen=True)
class Alert:
    """``name``: subject and symptom in one word. ``expression``: PromQL that has a value while it is wrong.
    ``lasts``: how long it must be so, a Prometheus duration. ``summary`` and ``description`` may hold
    Prometheus' templates; the description names the value and ``remedy`` what to do first."""

    part: Part
    dashboard: Dashboard
    name: str
    severity: Severity
    expression: str
    lasts: str
    summary: str
    description: str
    remedy: str

    @property
    def runbook(self) -> str:
        """Where its runbook stands, below the project's root."""
        return f"docs/runbooks/{self.name}.md"
