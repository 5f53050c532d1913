"""Which key of the stack file sizes which container; a test compares this with every pod of the program."""

from __future__ import annotations

from infra import names
from infra.images import Meter
from infra.render import adapter, archive, backups, grafana, monitoring, pitr, release, service
from infra.settings.base import Resources
from infra.settings.logs import Store
from infra.settings.model import Settings

Key = tuple[str, ...]
EXPORTERS = (*(meter.value for meter in Meter), monitoring.KUBE_STATE_METRICS, monitoring.WATCHER)
COPYING, READING = ("database", "full", "retention"), ("restore", "drill")  # tasks of backups


def keys(settings: Settings) -> dict[str, Key]:
    """Container → the path of its ``Resources``, for every container that the stack may run."""
    one_by_one = (*service.MIGRATIONS, release.CHECKS, "migrate")
    found: dict[str, Key] = {monitoring.SERVICE: ("service", "resources")}
    found |= {names.child(monitoring.SERVICE, part): ("service", "resources") for part in one_by_one}
    found |= {part: (part, "resources") for part in (monitoring.POSTGRES, monitoring.REDIS)}
    if settings.backups.enabled:
        found |= _of_backups(settings)
    if settings.monitoring.enabled:
        found |= dict.fromkeys(EXPORTERS, ("monitoring", "exporter_resources"))
        for part in (monitoring.PROMETHEUS, monitoring.ALERTMANAGER):
            found[part] = ("monitoring", f"{part}_resources")
        found[adapter.NAME] = ("monitoring", "adapter_resources")
        found[grafana.NAME] = ("monitoring", "grafana", "resources")
    if settings.logs.enabled:
        found |= {store.component: ("logs", "store_resources") for store in Store}
        found |= {store.collector: ("logs", "collector_resources") for store in Store}
    return found


def _of_backups(settings: Settings) -> dict[str, Key]:
    copying = (*(backups.job_name(task) for task in COPYING), backups.EXPORTER)
    found: dict[str, Key] = dict.fromkeys(copying, ("backups", "resources"))
    found |= {backups.job_name(task): ("backups", "restore_resources") for task in READING}
    found[backups.STORE] = ("backups", "store", "resources")
    if archive.wanted(settings):
        found |= {pitr.CONTAINER: ("backups", "pitr", "resources")}
        found |= {pitr.JOB: ("backups", "restore_resources")}
    return found


def requested(settings: Settings, key: Key) -> Resources:
    """What the stack file, its profile or the model says there."""
    found: object = settings
    for part in key:
        found = getattr(found, part)
    if not isinstance(found, Resources):
        raise TypeError(f"{'.'.join(key)} holds {type(found).__name__}")
    return found
