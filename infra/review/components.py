"""Which part of the stack a resource belongs to, in the team's words, and in which order parts are told."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.review import identity
from infra.review.differences import HASHED
from infra.review.plan import COMPONENT_TYPE, PROVIDER_TYPE, Step
from infra.review.wording import value

# Component type → word, in the order of a report: what serves and keeps data first.
WORDS = {
    "Namespace": "namespace",
    "Postgres": "database",
    "Redis": "cache",
    "Service": "service",
    "Ingress": "ingress",
    "Gateway": "gateway",
    "Backups": "backups",
    "Archive": "archive",
    "BackupBucket": "bucket of backups",
    "ObjectStore": "object store",
    "Prometheus": "monitoring",
    "Alertmanager": "alerts",
    "Exporters": "exporters",
    "Operated": "monitoring",
    "Grafana": "dashboards",
    "LogStore": "log store",
    "LogCollector": "log collector",
}
SEVERAL = {"Namespace", "LogStore"}  # a stack has more than one of these: told with their names
UNKNOWN_COMPONENT, PROVIDERS, OTHER = 50, 60, 70
BEFORE_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, order=True)
class Part:
    """``title`` is a sentence; ``name`` the component's own name, empty where there is no component."""

    order: int
    title: str
    name: str = ""


def of(step: Step) -> Part:
    """The outermost component above the resource. Components of others' making keep their type's name."""
    types = [each for each in step.urn.parents if each.startswith(COMPONENT_TYPE)]
    if not types:
        provider = step.urn.type.startswith(PROVIDER_TYPE)
        return Part(PROVIDERS, "where it goes") if provider else Part(OTHER, "outside of the components")
    kind, name = types[0].removeprefix(COMPONENT_TYPE), step.parent.rpartition("::")[2]
    if kind in WORDS:
        order = list(WORDS).index(kind)
        return Part(order, f"{WORDS[kind]} {value(name)}" if kind in SEVERAL and name else WORDS[kind], name)
    words = BEFORE_CAPITALS.sub(" ", kind).lower()
    title = value(words) if name in ("", words.replace(" ", "-")) else f"{value(words)} {value(name)}"
    return Part(UNKNOWN_COMPONENT, title, name)


def own_name(step: Step) -> str:
    """What it is called where it is, without what is made from its content; else its name in Pulumi."""
    named = step.inputs.get("bucket") or identity.named(step.inputs)
    if not isinstance(named, str) or not named:
        return step.urn.name
    made = HASHED.match(named)
    return made["stem"] if made else named
