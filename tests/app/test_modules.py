"""What a module tells of itself reaches the service."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, Counter

from app import modules
from app.main import make_context
from app.settings import Settings

pytestmark = pytest.mark.integration


def count(registry: CollectorRegistry) -> None:
    Counter("ledger_imports", "Files imported.", registry=registry).inc(3)


async def test_a_modules_own_metrics_are_shown(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = modules.REGISTRY["ledger"]
    monkeypatch.setitem(modules.REGISTRY, "ledger", replace(ledger, metrics=count))
    context = make_context(settings, {"ledger": ledger.settings()})
    try:
        assert b"ledger_imports_total 3.0" in context.metrics.render()[0]
    finally:
        await context.close()
