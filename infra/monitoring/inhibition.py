"""Which alert silences which, as data: one fault is told once, by what caused it.

Alertmanager looks at what fires, also at what is silenced itself: a full volume that stops the database that
makes the service fail is told as a full volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.monitoring import catalogue
from infra.monitoring.alert import Alert, Part, Severity
from infra.monitoring.alerts import monitoring
from infra.settings.model import Settings

NAMESPACE = ("namespace",)


@dataclass(frozen=True)
class Inhibition:
    """While one of ``causes`` fires, ``consequences`` are not told, as far as the labels ``equal`` agree.
    All are names of alerts; ``reason`` is for whoever misses one."""

    causes: tuple[str, ...]
    consequences: tuple[str, ...]
    reason: str
    equal: tuple[str, ...] = NAMESPACE


@dataclass(frozen=True)
class _Rule:
    causes: tuple[str, ...]
    reason: str
    parts: tuple[Part, ...] = ()
    names: tuple[str, ...] = ()
    equal: tuple[str, ...] = NAMESPACE


UNREADY = ("DeploymentReplicasUnavailable", "StatefulSetNotReady", "DeploymentRolloutStuck")
NOT_RUNNING = ("PodCrashLoops", "PodNotScheduled", "ContainerKilledForMemory", *UNREADY)
NOT_WATCHED = (*(name for name, *_ in monitoring.WATCHED), "ServiceNotWatched", "BackupExporterAbsent")
SLO_AVAILABILITY = ("SloAvailabilityBurnsFast", "SloAvailabilityBurnsSlowly")
SLO_LATENCY = ("SloLatencyBurnsFast", "SloLatencyBurnsSlowly")
RULES = (
    _Rule(
        ("NodeNotReady",),
        "what ran on the node is gone with it; not so its volumes and backups",
        (Part.SERVICE, Part.SLO),
        (
            "DatabaseDown",
            "CacheDown",
            "LogStoreDown",
            "LogsNotArriving",
            "LogsNotWatched",
            "JobFailed",
            *NOT_RUNNING,
            *NOT_WATCHED,
        ),
        equal=(),
    ),
    _Rule(
        ("DatabaseVolumeNearlyFull",),
        "PostgreSQL stops when its volume is full, and its log stays there while the archive fails",
        names=("DatabaseDown", "VolumeFillsUp"),
    ),
    _Rule(
        ("CacheVolumeNearlyFull",),
        "Redis refuses writes when its volume is full",
        names=("CacheDown", "CacheNotPersisted", "VolumeFillsUp"),
    ),
    _Rule(("VolumeNearlyFull",), "it has filled up", names=("VolumeFillsUp",)),
    _Rule(("NodeDiskNearlyFull",), "it has filled up", names=("NodeDiskFillsUp",), equal=()),
    _Rule(
        ("DatabaseDown",),
        "without the database no replica is ready, and dumps and jobs fail",
        (Part.SERVICE, Part.SLO),
        ("BackupArchiveFails", "BackupArchiveLags", "JobFailed", *NOT_RUNNING),
    ),
    _Rule(
        ("CacheDown",),
        "without the cache the service is slower and may refuse requests",
        (Part.SERVICE, Part.SLO),
        ("CacheNotPersisted", "CacheMemoryFull", *NOT_RUNNING),
    ),
    _Rule(
        ("ServiceDown",),
        "what is not there is neither healthy nor watched",
        (Part.SERVICE, Part.SLO),
        ("ServiceNotWatched", *NOT_RUNNING),
    ),
    _Rule(
        ("ServiceHealthFails",),
        "a replica that is not healthy is not ready, and fails what it still gets",
        (Part.SLO,),
        ("ServiceErrors", "ServiceSlow", "ServiceEventsDropped", *UNREADY),
    ),
    _Rule(("ServiceErrors",), "the same errors, counted against the budget", names=SLO_AVAILABILITY),
    _Rule(
        ("ServiceSlow",),
        "the same requests, counted against the budget; they hold their connections meanwhile",
        names=(*SLO_LATENCY, "ServicePoolExhausted"),
    ),
    _Rule(("SloAvailabilityBurnsFast",), "the same budget", names=("SloAvailabilityBurnsSlowly",)),
    _Rule(("SloLatencyBurnsFast",), "the same budget", names=("SloLatencyBurnsSlowly",)),
    _Rule(("PodCrashLoops", "PodNotScheduled"), "a pod that does not run is not ready", names=UNREADY),
    _Rule(("ContainerKilledForMemory",), "it is killed again and again", names=("PodCrashLoops", *UNREADY)),
    _Rule(
        ("BackupStoreUnreachable",),
        "without the store nothing is dumped, drilled or archived",
        (Part.BACKUPS,),
        ("JobFailed",),
    ),
    _Rule(("BackupMissing", "BackupTooOld"), "there is nothing new to drill", names=("BackupNotVerified",)),
    _Rule(("BackupArchiveFails",), "what is refused is late", names=("BackupArchiveLags",)),
    _Rule(
        ("LogStoreDown", "LogStoreFull"),
        "what is not there takes nothing",
        names=("LogsNotArriving", "LogsDropped", "LogsNotWatched"),
    ),
    _Rule(("CertificateEnds",), "the same certificate", names=("CertificateNearEnd",)),
)
# Every volume of the sandbox is a folder on the node's disk.
ONE_DISK = _Rule(
    ("NodeDiskNearlyFull",),
    "the sandbox' volumes lie on the node's disk",
    names=(
        "DatabaseVolumeNearlyFull",
        "CacheVolumeNearlyFull",
        "VolumeNearlyFull",
        "VolumeFillsUp",
        "LogStoreFull",
        "DatabaseDown",
        "CacheDown",
    ),
    equal=(),
)


def inhibitions(settings: Settings) -> tuple[Inhibition, ...]:
    """Only of alerts that the stack has; an alert never silences itself."""
    known = catalogue.alerts(settings)
    rules = (*RULES, ONE_DISK) if settings.cluster.sandbox else RULES
    made = (_made(rule, known) for rule in rules)
    return tuple(each for each in made if each.causes and each.consequences)


def _made(rule: _Rule, known: Mapping[str, Alert]) -> Inhibition:
    wanted = {name for name, alert in known.items() if alert.part in rule.parts} | set(rule.names)
    consequences = tuple(
        name
        for name, alert in known.items()
        if name in wanted and name not in rule.causes and alert.severity is not Severity.NONE
    )
    return Inhibition(
        tuple(name for name in rule.causes if name in known), consequences, rule.reason, rule.equal
    )


def silenced(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Cause → what it silences, for an Alertmanager that hears of one stack only: no label has to agree."""
    found: dict[str, dict[str, None]] = {}
    for rule in inhibitions(settings):
        for cause in rule.causes:
            found.setdefault(cause, {}).update(dict.fromkeys(rule.consequences))
    return {cause: tuple(names) for cause, names in found.items()}
