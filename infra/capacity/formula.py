"""Requests and limits that follow from what was measured. Pure; millicores, bytes, hours.

The shares are those of Kubernetes' own Vertical Pod Autoscaler (recommender, its flags' defaults), whose
recommendation for CPU is a percentile of the use, and for memory its peak, each with a margin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from infra import limits
from infra.limits import MIB
from infra.settings.base import Resources

CPU_PERCENTILE = 0.95
MARGIN = 0.15  # --recommendation-margin-fraction
OOM_BUMP = 1.2  # --oom-bump-up-ratio: also the room that a limit leaves above the request
OOM_LEAST = 100 * MIB  # --oom-min-bump-up-bytes
CHURN = 0.1  # --pod-update-threshold: a smaller difference is not worth a restart
CPU_STEP, CPU_LEAST = 5, 10  # millicores
MEMORY_STEP, MEMORY_LEAST = 8 * MIB, 32 * MIB
LEAST_HOURS = 24  # a day and its night: what was seen for less says little of the peak
WHOLE = 0.9  # share of the time asked for that counts as all of it


@dataclass(frozen=True)
class Use:
    """The busiest pod's, of one container. ``hours``: in which any was measured; ``kills``: for want of
    memory."""

    cpu: float
    memory: float
    hours: float
    kills: int = 0


@dataclass(frozen=True)
class Proposal:
    """``resources`` are to stand where the present ones stand; ``reasons`` say why, a sentence each."""

    resources: Resources
    reasons: tuple[str, ...]


def together(uses: Iterable[Use]) -> Use:
    """Of containers that share one key: enough for the largest of each kind."""
    found = list(uses)
    return Use(
        max(use.cpu for use in found),
        max(use.memory for use in found),
        min(use.hours for use in found),
        sum(use.kills for use in found),
    )


def proposed(use: Use, present: Resources, *, sized_by_limit: bool = False) -> Proposal:
    """``sized_by_limit``: the program takes what its limit gives, and its use is no need."""
    cpu, why_cpu = _cpu(use, present)
    limit, why_limit = _memory_limit(use, present, sized_by_limit=sized_by_limit)
    memory, why_memory = _memory(use, present, limit)
    values = {
        "cpu_request": cpu,
        "cpu_limit": _cpu_limit(cpu, present),
        "memory_request": memory,
        "memory_limit": limit,
    }
    return Proposal(Resources.model_validate(values), (why_cpu, why_memory, why_limit))


def preliminary(use: Use, window_hours: float) -> str | None:
    """What to think of a proposal from fewer hours than were asked for, or than a day has; else None."""
    if use.hours < WHOLE * window_hours:
        return f"only {use.hours:.1f} h of {window_hours:g} h were measured"
    if window_hours < LEAST_HOURS:
        return f"{window_hours:g} h hold no whole day: ask for {LEAST_HOURS}h or more"
    return None


def _cpu(use: Use, present: Resources) -> tuple[str, str]:
    wanted = max(CPU_LEAST, _up(use.cpu * (1 + MARGIN), CPU_STEP))
    said = f"CPU: 95th percentile {use.cpu:.0f}m and {MARGIN:.0%}"
    if _near(wanted, limits.cpu_millis(present.cpu_request)):
        return present.cpu_request, f"{said}: close to the present request"
    return f"{wanted}m", f"{said}, in steps of {CPU_STEP}m"


def _cpu_limit(request: str, present: Resources) -> str | None:
    """None stays none, since throttling costs latency; one that is there stays above the request."""
    if present.cpu_limit is None:
        return None
    enough = limits.cpu_millis(present.cpu_limit) >= limits.cpu_millis(request)
    return present.cpu_limit if enough else request


def _memory(use: Use, present: Resources, limit: str) -> tuple[str, str]:
    wanted = max(MEMORY_LEAST, _up(use.memory * (1 + MARGIN), MEMORY_STEP))
    said = f"memory: peak {use.memory / MIB:.0f}Mi and {MARGIN:.0%}"
    if _near(wanted, limits.memory_bytes(present.memory_request)):
        return present.memory_request, f"{said}: close to the present request"
    most = limits.memory_bytes(limit)
    if wanted > most:
        return limit, f"{said}: no more than the limit"
    return _mebibytes(wanted), f"{said}, in steps of {MEMORY_STEP // MIB}Mi"


def _memory_limit(use: Use, present: Resources, *, sized_by_limit: bool) -> tuple[str, str]:
    now = limits.memory_bytes(present.memory_limit)
    if use.kills:
        wanted = _up(max(now * OOM_BUMP, now + OOM_LEAST), MEMORY_STEP)
        return _mebibytes(wanted), f"limit: {use.kills} × killed for want of memory at the present one"
    if sized_by_limit:
        return present.memory_limit, "limit: kept, since the program sizes itself by it"
    wanted = max(MEMORY_LEAST, _up(use.memory * (1 + MARGIN) * OOM_BUMP, MEMORY_STEP))
    if _near(wanted, now):
        return present.memory_limit, "limit: close to the present one"
    return _mebibytes(wanted), f"limit: {OOM_BUMP:g} × that"


def _near(wanted: int, now: int) -> bool:
    return abs(wanted - now) <= CHURN * now


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step


def _mebibytes(value: int) -> str:
    return f"{value // MIB}Mi"
