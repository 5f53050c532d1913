"""Rules on logs: what is kept fits its volume, and the collector's namespace has a name."""

from __future__ import annotations

from collections.abc import Iterator

from infra.names import LOGS_SUFFIX, NAMESPACE_CHARS
from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding
from infra.settings.rules.sizes import kept_fits


def lines_fit_their_volume(settings: StackConfig) -> Iterator[Finding]:
    """A full volume refuses every new line; what was kept before is found still."""
    for part in ("service", "parts"):
        store = getattr(settings.logs, part)
        yield from kept_fits(("logs", part), store.retention_size, store.storage)


def collector_has_a_namespace(settings: StackConfig) -> Iterator[Finding]:
    """Logs are collected from a namespace of their own, whose name is made of the stack's."""
    name = settings.namespace_name
    if settings.logs.enabled and len(name + LOGS_SUFFIX) > NAMESPACE_CHARS:
        yield Finding(
            ("namespace", "name"),
            f"{name}{LOGS_SUFFIX}, the namespace of the logs' collector, has more than {NAMESPACE_CHARS} "
            "characters",
            f"use at most {NAMESPACE_CHARS - len(LOGS_SUFFIX)} characters",
            also=(("logs", "enabled"),),
        )
