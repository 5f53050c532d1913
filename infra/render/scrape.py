"""Pieces of a scrape configuration: who is asked, under which labels, and which series stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.render import monitoring
from infra.settings.model import Settings
from infra.settings.release import Colour

TIMEOUT_SECONDS = 10  # and never longer than the interval
SERIES_LIMIT = 20_000  # of one target: beyond it the scrape fails as a whole, which is an alert, not a flood
Rows = list[dict[str, Any]]
OF_NAME = {
    "source_labels": ["__meta_dns_name"],
    "regex": rf".+-({'|'.join(Colour)})-pods\..+",
    "target_label": "colour",
}


def each_pod(settings: Settings, part: str, services: Sequence[str], port: int) -> dict[str, Any]:
    """All pods of a part, by the addresses of its headless Services; ``instance`` is address and port. The
    names of two colours give the label ``colour``."""
    seconds = settings.monitoring.scrape_interval_seconds
    hosts = [monitoring.host(settings, service) for service in services]
    coloured = [OF_NAME] if len(services) > 1 else []
    return {
        **job(part),
        **by_name(hosts, port, seconds),
        "relabel_configs": [*labelled(labels(settings, part)), *coloured],
    }


def one_pod(settings: Settings, part: str, port: int) -> dict[str, Any]:
    """The one pod of a part, which stays a target while it is away: ``up`` is 0 then, and not absent."""
    own = {**labels(settings, part), "instance": part}
    return {
        **job(part),
        "static_configs": [{"targets": [address(settings, part, port)], "labels": own}],
    }


def by_name(hosts: Sequence[str], port: int, seconds: int) -> dict[str, Any]:
    """Every address that the headless Services have; one that is not there has none."""
    found = {"names": list(hosts), "type": "A", "port": port, "refresh_interval": f"{seconds}s"}
    return {"dns_sd_configs": [found]}


def labelled(labels: Mapping[str, str]) -> Rows:
    """Relabelling that gives every target these labels."""
    return [{"target_label": name, "replacement": value} for name, value in labels.items()]


def job(name: str) -> dict[str, Any]:
    """What every job has: its name, and a limit that turns a flood of series into an alert."""
    return {"job_name": name, "sample_limit": SERIES_LIMIT}


def labels(settings: Settings, part: str) -> dict[str, str]:
    """Of everything that is of the stack: its namespace and its part."""
    return {"namespace": settings.namespace_name, "part": part}


def address(settings: Settings, name: str, port: int) -> str:
    """Host and port of a Service of the stack."""
    return f"{monitoring.host(settings, name)}:{port}"


def keep(source: str, regex: str) -> dict[str, Any]:
    """Only series whose label ``source`` is of this form stay."""
    return {"source_labels": [source], "regex": regex, "action": "keep"}


def forget(regex: str) -> dict[str, Any]:
    """Labels of these names go."""
    return {"regex": regex, "action": "labeldrop"}
