"""A client that says something else each time: the series of a replica stay as many as its routes allow."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from app import contract
from app.core import metrics
from app.core.context import Context
from app.core.metrics import BUCKETS, METHODS, OPENMETRICS
from tests.app.conftest import ClientFor

pytestmark = pytest.mark.integration
REQUESTS = 600
METHOD_LABELS = len(METHODS) + 1  # and OTHER
WITHOUT_ROUTE = 4  # unmatched, other, the document and its page
MOST_FIXED = 60  # process_*, python_*, service_info and what has no labels
WORD = 24  # letters: none occurs in the service by chance


def word(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_lowercase, k=WORD))


def paths(chance: random.Random, app: FastAPI) -> Iterator[str]:
    """Paths that are none, and those of every route with new ids in their places."""
    routes = sorted(app.openapi()["paths"])
    while True:
        yield f"/{word(chance)}"
        yield f"/{word(chance)}/{uuid.UUID(int=chance.getrandbits(128))}?{word(chance)}={word(chance)}"
        route = chance.choice(routes)
        yield "/".join(word(chance) if part.startswith("{") else part for part in route.split("/"))
        yield f"/transactions/{uuid.UUID(int=chance.getrandbits(128))}?q={word(chance)}"
        yield f"/%2e%2e/{word(chance)}%00%0a{word(chance)}"


async def attack(client: httpx.AsyncClient, app: FastAPI, seed: int, requests: int) -> set[str]:
    """Sends them; gives every word that was said."""
    chance, said = random.Random(seed), set()
    ways = paths(chance, app)
    for _ in range(requests):
        path = next(ways)
        invented = chance.random() < 0.2
        method = word(chance).upper() if invented else chance.choice(sorted(METHODS))
        trace = f"{chance.getrandbits(128) | 1:032x}"
        own = {name: word(chance) for name in ("User-Agent", "Origin", "X-Request-ID", "Cookie", "Referer")}
        headers = {
            **own,
            "Host": f"{word(chance)}.example",
            "X-Forwarded-For": f"{chance.randrange(1, 255)}.0.0.1",
            "traceparent": f"00-{trace}-{chance.getrandbits(64) | 1:016x}-01",
            f"X-{word(chance)}": word(chance),
        }
        if chance.random() < 0.3:
            headers["Authorization"] = f"Bearer {word(chance)}"
        await client.request(method, path, headers=headers)
        said |= {*own.values(), headers["Host"], trace} | ({method} if invented else set())
        said |= {part for part in path.replace("?", "/").replace("=", "/").split("/") if len(part) >= WORD}
    return said


async def shown(client: httpx.AsyncClient) -> list[Metric]:
    answer = await client.get(contract.METRICS_PATH, headers={"Accept": OPENMETRICS})
    assert answer.headers["content-type"].startswith(OPENMETRICS)
    return list(text_string_to_metric_families(answer.text))  # type: ignore[no-untyped-call]


def series(families: list[Metric]) -> int:
    return sum(len(family.samples) for family in families)


def most(app: FastAPI, context: Context) -> int:
    """The sum over all metrics of what their labels may be. Of statuses a route and method has as many as the
    error codes have, and 200, 201, 204, 304, 307, 499."""
    methods = app.openapi()["paths"].values()
    statuses = len({status for status, _ in contract.ERROR_CODES.values()}) + 6
    of_requests = sum(len(of_path) + 1 for of_path in methods) + WITHOUT_ROUTE * METHOD_LABELS
    return (
        of_requests * statuses
        + of_requests * (len(BUCKETS) + 3)
        + (len(metrics.CACHE_OPERATIONS) + 1) * (len(metrics.CACHE_RESULTS) + 1)
        + len(contract.ERROR_CODES)
        + 1
        + len(metrics.RATE_LIMIT_DECISIONS)
        + 1
        + (len(metrics.LLM_PROVIDERS) + 1) * (len(metrics.LLM_OUTCOMES) + 1)
        + (len(list(context.jobs.kinds)) + 1) * (len(metrics.BATCH_OUTCOMES) + 1)  # type: ignore[call-overload]
        + MOST_FIXED
    )


async def test_a_hostile_client_makes_no_more_series_than_the_routes_allow(
    service: FastAPI, context: Context, client_for: ClientFor
) -> None:
    client = client_for("")
    said = await attack(client, service, 1, REQUESTS)
    first = await shown(client)
    exemplars = [sample.exemplar for family in first for sample in family.samples if sample.exemplar]
    assert series(first) <= most(service, context)
    assert len(said) > 5 * REQUESTS

    values = {value for family in first for sample in family.samples for value in sample.labels.values()}
    assert [value for value in values if any(part in value for part in said)] == []
    labels = {name for family in first for sample in family.samples for name in sample.labels}
    assert labels <= {name for names in contract.METRICS.values() for name in names} | OF_LIBRARIES
    assert {"unmatched", "OTHER"} <= values

    assert {frozenset(exemplar.labels) for exemplar in exemplars} == {frozenset({"trace_id"})}
    assert len(exemplars) <= series(first)


OF_LIBRARIES = {"le", "implementation", "major", "minor", "patchlevel", "version", "generation"}


async def test_the_same_again_adds_no_series_and_replaces_exemplars(
    service: FastAPI, client_for: ClientFor
) -> None:
    """The same paths and statuses under new words: what grows would grow for ever."""
    client = client_for("")
    for _ in range(2):
        await attack_unmatched(client, service)
    await shown(client)  # it has series of its own
    before = await shown(client)
    await attack_unmatched(client, service)
    after = await shown(client)
    assert series(after) == series(before)
    assert marked(after).keys() == marked(before).keys(), "one exemplar for each, however many requests"
    fresh = [key for key, trace in marked(after).items() if trace != marked(before)[key]]
    assert fresh, "and it is the latest"


async def attack_unmatched(client: httpx.AsyncClient, app: FastAPI) -> None:
    chance = random.Random()
    for _ in range(50):
        trace = f"{chance.getrandbits(128) | 1:032x}"
        headers = {"traceparent": f"00-{trace}-{chance.getrandbits(64) | 1:016x}-01"}
        await client.get(f"/{word(chance)}", headers=headers)


def marked(families: list[Metric]) -> dict[tuple[str, str], str]:
    """Counter → the trace of its exemplar. Of buckets it depends on how long a request took."""
    return {
        (sample.name, str(sorted(sample.labels.items()))): sample.exemplar.labels["trace_id"]
        for family in families
        for sample in family.samples
        if sample.exemplar and sample.name.endswith("_total")
    }
