"""What the registry may hold: a bounded number of series, whatever callers say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app import contract
from app.core.metrics import MOST_ENDPOINTS, OTHER, Metrics

pytestmark = pytest.mark.unit
CALLS: dict[str, Callable[[Metrics, str], None]] = {
    "api_requests_total": lambda metrics, word: metrics.request(word, word, len(word) * 1000, 0.1),
    "cache_operations_total": lambda metrics, word: metrics.cache(word, word),
    "errors_total": lambda metrics, word: metrics.error(word),
    "rate_limit_decisions_total": lambda metrics, word: metrics.rate_limit(word),
    "llm_requests_total": lambda metrics, word: metrics.llm(word, word),
    "batch_items_total": lambda metrics, word: metrics.batch_item(word, word),
}


def series(metrics: Metrics, name: str) -> list[dict[str, str]]:
    return [
        sample.labels
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == name
    ]


@pytest.mark.parametrize("name", CALLS)
def test_ten_thousand_distinct_values_make_a_bounded_number_of_series(name: str) -> None:
    metrics = Metrics("1", "test", ("import",))
    for number in range(10_000):
        CALLS[name](metrics, f"word-{number}")
    found = series(metrics, name)
    assert len(found) <= MOST_ENDPOINTS + 1
    assert any(OTHER in labels.values() for labels in found)


def test_foreseen_words_keep_their_own_series() -> None:
    metrics = Metrics("1", "test", ("import",))
    metrics.batch_item("import", "failed")
    metrics.rate_limit("blocked")
    metrics.llm("openai", "timeout")
    metrics.event_dropped()
    assert series(metrics, "batch_items_total") == [{"kind": "import", "outcome": "failed"}]
    assert series(metrics, "rate_limit_decisions_total") == [{"decision": "blocked"}]
    assert series(metrics, "llm_requests_total") == [{"provider": "openai", "outcome": "timeout"}]
    assert metrics.registry.get_sample_value("events_dropped_total") == 1


def test_requests_under_way_are_counted_while_they_run() -> None:
    metrics = Metrics("1", "test")
    with metrics.in_flight(), metrics.in_flight():
        assert metrics.registry.get_sample_value("api_requests_in_flight") == 2
    assert metrics.registry.get_sample_value("api_requests_in_flight") == 0


def test_the_names_and_labels_are_the_contracts() -> None:
    metrics = Metrics("1", "test")
    for call in CALLS.values():
        call(metrics, "x")
    metrics.watch_pool(lambda: 1, lambda: 2)
    families = {family.name: family for family in metrics.registry.collect()}
    for name, labels in contract.METRICS.items():
        found = {
            frozenset(sample.labels) - {"le"} for sample in families[name.removesuffix("_total")].samples
        }
        assert found == {frozenset(labels)}, name
