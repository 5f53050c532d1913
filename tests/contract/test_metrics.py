"""What alerts and recorded figures ask for against what the service and the backups' exporter show when they
are scraped: a name, label, value or kind that is another one there would make an alert silent for ever."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from app import contract
from app.core import metrics as service
from app.main import create_app, make_context
from app.modules import REGISTRY
from infra.backups import exporter
from infra.backups.manifest import Kind
from infra.backups.records import Result
from infra.monitoring import catalogue
from infra.settings.model import Settings
from tests.app.conftest import make_settings
from tests.contract.expressions import OF_ANYTHING, OF_COUNTERS, Asked, asked
from tests.infra.monitoring import stacks

pytestmark = pytest.mark.unit
NOWHERE = "postgresql://service:Zx8rQm2Lw9Ks@127.0.0.1:1/ledger", "redis://:Zx8rQm2Lw9Ks@127.0.0.1:1/0"
OF_ANY_PROCESS = ("process_", "python_")  # prometheus_client's own
OF_THE_SCRAPE = {"namespace", "part", "instance", "job", "node", "stack"}  # Prometheus adds them
# Shown, and asked for by no rule. Each with what it is there for.
FOR_PEOPLE = {
    "api_requests_in_flight": "what a replica is at, beside a drain; its alarm is the latency",
    "batch_items_total": "how far batch jobs are; a failed item is told to whoever submitted it",
    "cache_operations_total": "the hit rate; a cache that is away is Redis' alarm",
    "errors_total": "which codes the errors of an alert have",
    "llm_requests_total": "the module assistant, which this version does not bundle",
    "rate_limit_decisions_total": "who is refused; refusals are meant",
    "spans_dropped_total": "a help is incomplete, nothing is broken; the log says why",
}
BACKUPS_FOR_PEOPLE = {
    "backup_broken": "that copies are damaged; they are no good ones to BackupTooOld, which is the alarm",
    "backup_size_bytes": "how backups grow",
    "restore_duration_seconds": "how long a restore would take",
}


@dataclass
class Shown:
    """What a scrape shows: sample → its kind and, by label, the values it has."""

    kinds: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, families: Iterable[Metric]) -> Shown:
        """Of a parsed scrape."""
        shown = cls()
        for family in families:
            for sample in family.samples:
                gauge = family.type in {"gauge", "unknown", "info"}
                shown.kinds[sample.name] = "gauge" if gauge else "counter"
                for label, value in sample.labels.items():
                    shown.labels[sample.name].setdefault(label, set()).add(value)
        return shown


def everything_said(metrics: service.Metrics) -> None:
    """Every word that a label may have, so that the scrape shows them all."""
    for status in service.STATUSES:
        metrics.request("GET", "/transactions", int(status), 0.1)
    for operation in service.CACHE_OPERATIONS:
        for result in service.CACHE_RESULTS:
            metrics.cache(operation, result)
    for code in contract.ERROR_CODES:
        metrics.error(code)
    for decision in service.RATE_LIMIT_DECISIONS:
        metrics.rate_limit(decision)
    for outcome in service.LLM_OUTCOMES:
        metrics.llm("openai", outcome)
    for outcome in service.BATCH_OUTCOMES:
        metrics.batch_item("x", outcome)


async def scrape(accept: str) -> httpx.Response:
    """The running application's /metrics, after requests to every kind of path; its database is away."""
    context = make_context(
        make_settings(*NOWHERE), {name: part.settings() for name, part in REGISTRY.items()}
    )
    transport = httpx.ASGITransport(create_app(context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for path in (*contract.PROBE_PATHS, "/auth/me", "/nothing"):
            await client.get(path)
        everything_said(context.metrics)
        answer = await client.get(contract.METRICS_PATH, headers={"Accept": accept})
    await context.close()
    return answer.raise_for_status()


@cache
def text_of_service(accept: str = service.OPENMETRICS) -> str:
    return asyncio.run(scrape(accept)).text


def of_service() -> Shown:
    return Shown.of(openmetrics(text_of_service()))  # type: ignore[no-untyped-call]


@cache
def of_backups() -> Shown:
    """The exporter's figures of a store that has everything."""
    now = datetime.now(UTC)
    drill = SimpleNamespace(moment=now, result=Result.OK, seconds=3.0)
    backups = [
        SimpleNamespace(
            manifest=SimpleNamespace(kind=kind, moment=now, bytes=1),
            problem=None,
            complete=True,
            drills=[drill],
            drill=drill,
        )
        for kind in Kind
    ]
    figures, registry = exporter.Figures(), CollectorRegistry(auto_describe=False)
    figures.read(cast("Any", SimpleNamespace(read=lambda: backups)))
    registry.register(figures)
    return Shown.of(plain(generate_latest(registry).decode()))


def rules(settings: Settings) -> dict[str, list[Asked]]:
    """Alert or recorded figure → what it asks for."""
    alerts = {alert.name: asked(alert.expression) for alert in catalogue.alerts(settings).values()}
    recorded = {
        rule.name: asked(rule.expression) for group in catalogue.recordings(settings) for rule in group.rules
    }
    return alerts | recorded


STACKS = pytest.mark.parametrize("settings", [stacks.full(), stacks.sandbox()], ids=["outside", "sandbox"])


def problems(found: Shown, settings: Settings) -> list[str]:
    """What is asked of these metrics and not shown, in words."""
    told = []
    for rule, selectors in rules(settings).items():
        for each in selectors:
            if each.metric not in found.kinds:
                continue
            labels = found.labels[each.metric]
            unknown = (each.labels | each.by) - set(labels) - OF_THE_SCRAPE
            told += [f"{rule}: {each.metric} has no label {label}" for label in sorted(unknown)]
            for label, pattern in each.chosen:
                values = labels.get(label, set())
                if label in labels and not any(re.fullmatch(pattern, value) for value in values):
                    told.append(f"{rule}: {each.metric} never has {label}={pattern}")
            counted = each.function in OF_COUNTERS
            if each.function not in OF_ANYTHING and counted != (found.kinds[each.metric] == "counter"):
                told.append(f"{rule}: {each.metric} is a {found.kinds[each.metric]}, under {each.function!r}")
    return told


@STACKS
def test_every_label_value_and_kind_that_is_asked_of_the_service_is_shown(settings: Settings) -> None:
    assert problems(of_service(), settings) == []


@STACKS
def test_every_label_and_kind_that_is_asked_of_the_backups_exporter_is_shown(settings: Settings) -> None:
    assert problems(of_backups(), settings) == []


def names(settings: Settings) -> set[str]:
    return {each.metric for selectors in rules(settings).values() for each in selectors}


def missing(found: Shown, settings: Settings) -> set[str]:
    """Names that begin as the service's or the exporter's do, and that neither shows."""
    begin = tuple({name.partition("_")[0] + "_" for name in contract.METRICS} | {"backup_", "restore_"})
    there = set(found.kinds) | set(of_backups().kinds)
    return {name for name in names(settings) if name.startswith(begin) and ":" not in name} - there


@STACKS
def test_every_name_that_is_asked_for_is_shown(settings: Settings) -> None:
    assert missing(of_service(), settings) == set()


def families(found: Shown) -> set[str]:
    """Names as the contract has them: a histogram's parts are one."""
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found.kinds}


def test_what_is_shown_is_the_contract_and_no_more() -> None:
    own = {name for name in families(of_service()) if not name.startswith(OF_ANY_PROCESS)}
    assert own == set(contract.METRICS)
    for name, labels in contract.METRICS.items():
        sample = name if name in of_service().kinds else f"{name}_count"
        assert set(of_service().labels[sample]) == set(labels), name


def test_what_nobody_asks_for_is_listed_with_what_it_is_there_for() -> None:
    wanted = names(stacks.full()) | names(stacks.sandbox())
    parts = {re.sub(r"_(bucket|count|sum)$", "", name) for name in wanted}
    assert set(contract.METRICS) - parts == set(FOR_PEOPLE)
    assert set(of_backups().kinds) - wanted == set(BACKUPS_FOR_PEOPLE)


def test_the_text_format_shows_the_same_series_as_openmetrics() -> None:
    text = Shown.of(plain(text_of_service("text/plain")))
    gone = set(of_service().kinds) ^ set(text.kinds)
    assert gone == set()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("api_requests_total", "http_requests_total", {"api_requests_total"}),
        ("database_pool_connections", "database_pool_size", {"database_pool_connections"}),
        ("api_response_seconds", "api_latency_seconds", {"api_response_seconds_bucket"}),
    ],
)
def test_a_metric_that_has_another_name_in_the_scrape_is_missed(old: str, new: str, told: set[str]) -> None:
    renamed = text_of_service("text/plain").replace(old, new)
    assert missing(Shown.of(plain(renamed)), stacks.full()) >= told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('status="', 'code="', "ServiceErrors: api_requests_total has no label"),
        ("# TYPE api_requests_total counter", "# TYPE api_requests_total gauge", "is a gauge, under 'rate'"),
        ('state="in_use"', 'state="busy"', "database_pool_connections never has state=in_use"),
    ],
)
def test_a_label_a_value_or_a_kind_that_is_another_one_is_missed(old: str, new: str, told: str) -> None:
    changed = Shown.of(plain(text_of_service("text/plain").replace(old, new)))
    assert any(told in problem for problem in problems(changed, stacks.full()))
