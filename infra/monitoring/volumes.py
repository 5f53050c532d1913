"""Volumes and disks that fill up: one rule for all of them, told by the part that stands without it."""

from __future__ import annotations

from infra.monitoring.promql import here
from infra.settings.model import Settings

# PostgreSQL cannot write a single segment of its log (16 MiB) on a full disk and stops; 1 GB is about an
# hour of a busy stack's growth.
FREE_BYTES = 10**9
# A volume of a few GB has never much more than 1 GB free: there a tenth of it counts.
FREE_SHARE = 0.1
# As long as a night and a way to work: who reads it in the morning is in time.
AHEAD_SECONDS = 24 * 60 * 60
TREND = "6h"
KNOWN = "3h"  # half of it at least
# What is emptier than this may grow as it likes: a restore doubles a volume's use for some minutes.
TREND_SHARE = 0.4
POSTGRES_CLAIM, REDIS_CLAIM = "data-postgres-0", "data-redis-0"
FREE, SIZE = "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"


def room(settings: Settings, claims: str) -> str:
    """Free bytes of each volume. ``claims``: a matcher of persistentvolumeclaim."""
    return f"{FREE}{here(settings, claims)}"


def nearly_full(settings: Settings, claims: str) -> str:
    """Less than FREE_BYTES and less than FREE_SHARE. ``claims``: a matcher of persistentvolumeclaim."""
    free, size = room(settings, claims), f"{SIZE}{here(settings, claims)}"
    return f"{free} < {FREE_BYTES} and {free} / {size} < {FREE_SHARE}"


def fills_up(free: str, size: str) -> str:
    """Would be full a day from now if it went on like this. Both are selectors with their metric.

    Not before there are figures of some hours: a new stack writes its first files, and that is no trend.
    """
    trend = f"predict_linear({free}[{TREND}], {AHEAD_SECONDS}) < 0 and {free} offset {KNOWN}"
    return f"{trend} and {free} / {size} < {TREND_SHARE}"
