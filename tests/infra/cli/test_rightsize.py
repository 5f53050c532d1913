"""`slipway rightsize` against a server that answers as Prometheus does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from typer.testing import Result

from infra import limits
from infra.capacity import measured
from infra.errors import EXIT_USAGE, UserError
from infra.limits import MIB
from infra.settings import check, model
from infra.settings.merge import merge
from infra.settings.model import Settings
from infra.settings.rules import broken
from tests.infra.cli import answering

pytestmark = pytest.mark.unit
STACK = "household-ledger-prod"
Figures = dict[str, dict[str, float]]  # name of the query → container → value


def figures(**more: dict[str, float]) -> Figures:
    """A service that asks for too much, a PostgreSQL that asks for too little; of the rest there is none."""
    usual: Figures = {
        "cpu": {"service": 40.0, "postgres": 2000.0},
        "memory": {"service": 150.0 * MIB, "postgres": 700.0 * MIB},
        "hours": {"service": 24.0, "postgres": 24.0},
        "kills": {},
    }
    return {name: {**values, **more.get(name, {})} for name, values in usual.items()}


@dataclass
class Server:
    """``figures``: what it measured; ``asked``: the queries."""

    figures: Figures = field(default_factory=figures)
    asked: list[str] = field(default_factory=list)
    status: int = 200

    def answer(self, query: str, hours: int) -> dict[str, Any]:
        self.asked.append(query)
        named = {
            text: name for name, text in measured.queries(check.load(STACK, secrets=False), hours).items()
        }
        rows = [
            {"metric": {"container": container}, "value": [0, str(value)]}
            for container, value in self.figures[named[query]].items()
        ]
        return {"data": {"result": rows}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A stack whose Prometheus is a local server."""
    state = Server()

    def answers(path: str, _: bytes) -> tuple[int, object]:
        query = parse_qs(urlsplit(path).query)["query"][0]
        return state.status, state.answer(query, 168 if "[168h" in query else 24)

    with answering.asked(answers, STACK, monkeypatch):
        yield state


def slipway(*arguments: str) -> Result:
    return answering.slipway("rightsize", *arguments)


def data(*arguments: str) -> dict[str, Any]:
    done = slipway(STACK, "--format", "json", *arguments)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_each_container_is_shown_with_what_it_used_and_what_it_should_ask_for(server: Server) -> None:
    done = slipway(STACK)
    assert done.exit_code == 0, done.output
    (row,) = [line for line in done.stdout.splitlines() if line.strip().startswith("service ")]
    asked = check.load(STACK, secrets=False).service.resources
    assert f"service 40m {asked.cpu_request} → 50m 150Mi" in " ".join(row.split())
    assert "service.resources: CPU: 95th percentile 40m and 15%, in steps of 5m" in done.stdout
    assert "not measured in that time: alertmanager" in done.stdout


def test_the_lines_are_the_stack_files_own_and_are_accepted(server: Server) -> None:
    text = data()["lines"]
    assert text in slipway(STACK).stdout
    sections = {key.removeprefix("slipway:"): value for key, value in yaml.safe_load(text)["config"].items()}
    assert sections["service"]["resources"]["cpu_request"] == "50m"
    assert sections["postgres"] == {"resources": {"cpu_request": "2300m", "memory_request": "808Mi"}}
    settings = check.load(STACK, secrets=False)
    merged = merge(settings.model_dump(mode="json", exclude={"stack"}), sections)
    found = model.of(Settings, settings.stack, merged)
    assert broken(found) == []
    assert found.service.resources.cpu_request == "50m"


def test_without_figures_that_is_said(server: Server) -> None:
    server.figures = {"cpu": {}, "memory": {}, "hours": {}, "kills": {}}
    done = slipway(STACK)
    assert done.exit_code == 0
    assert done.stdout == f"Nothing of {STACK} was measured within 24 h.\n"
    assert data()["lines"] == ""


def test_where_all_is_well_sized_there_is_nothing_to_write(server: Server) -> None:
    present = check.load(STACK, secrets=False).redis.resources
    cpu, memory = limits.cpu_millis(present.cpu_request), limits.memory_bytes(present.memory_request)
    server.figures = {
        "cpu": {"redis": cpu / 1.15},
        "memory": {"redis": memory / 1.15},
        "hours": {"redis": 24.0},
        "kills": {},
    }
    assert data()["lines"] == ""
    assert slipway(STACK).stdout.endswith("\nNothing to change.\n")


def test_few_hours_are_said_with_the_figures(server: Server) -> None:
    server.figures = figures(hours={"service": 3.0})
    assert "note: service: only 3.0 h of 24 h were measured" in slipway(STACK).stdout
    by_name = {row["container"]: row for row in data()["containers"]}
    assert by_name["service"]["note"] == "only 3.0 h of 24 h were measured"
    assert by_name["postgres"]["note"] is None


def test_a_longer_time_is_asked_for_in_days(server: Server) -> None:
    assert data("--window", "7d")["window_hours"] == 168
    assert all("168h" in query for query in server.asked)


def test_kills_raise_the_limit(server: Server) -> None:
    server.figures = figures(kills={"postgres": 1.01})
    (row,) = [row for row in data()["containers"] if row["container"] == "postgres"]
    assert row["measured"]["killed_for_memory"] == 2
    assert row["proposed"]["memory_limit"] != row["requested"]["memory_limit"]


@pytest.mark.parametrize("window", ["24", "0h", "31d", "1w", ""])
def test_a_time_that_is_none_is_refused(window: str) -> None:
    error = slipway(STACK, "--window", window).exception
    assert isinstance(error, UserError)
    assert error.exit_code == EXIT_USAGE
    assert str(error) == f"--window: {window!r} is no time from 1h to 30d\n  → write it as 24h or 7d"


def test_a_server_that_refuses_is_told(server: Server) -> None:
    server.status = 503
    error = slipway(STACK).exception
    assert isinstance(error, UserError)
    assert "answered 503" in str(error)
