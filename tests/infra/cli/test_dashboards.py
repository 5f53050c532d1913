"""`slipway dashboards` against a server that answers as Prometheus does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import Result

from infra.errors import UserError
from infra.monitoring.variables import Window
from tests.infra.cli import answering

pytestmark = pytest.mark.unit
STACK = "household-ledger-prod"


@dataclass
class Server:
    """``value``: what every series is now; ``without``: of queries that hold this text there is none."""

    url: str = ""
    value: str = "0.5"
    without: str | None = None
    refused: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, asked: dict[str, str]) -> dict[str, Any]:
        self.asked.append({"path": path, **asked})
        if self.without and self.without in asked["query"]:
            return {"data": {"result": []}}
        labels = {"instance": "10.0.0.1:8000", "state": "idle"}
        if path.endswith("query_range"):
            moments = [float(asked["start"]), float(asked["end"])]
            return {"data": {"result": [{"metric": labels, "values": [[at, self.value] for at in moments]}]}}
        return {"data": {"result": [{"metric": labels, "value": [float(asked["time"]), self.value]}]}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A stack whose Prometheus is a local server."""
    state = Server()

    def answers(path: str, _: bytes) -> tuple[int, object]:
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return 400 if state.refused else 200, state.answer(parts.path, asked)

    with answering.asked(answers, STACK, monkeypatch) as state.url:
        yield state


def slipway(*arguments: str) -> Result:
    return answering.slipway("dashboards", *arguments)


def test_every_panel_is_listed_with_its_value_and_its_series(server: Server) -> None:
    done = slipway(STACK)
    assert done.exit_code == 0, done.output
    rows = {line.strip().split("  ")[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    assert rows["Connections in use"][-3:] == ["50", "%", "1"]
    assert rows["Connections"][-2:] == ["0.5", "2"], "two queries, a series of each"
    assert rows["PostgreSQL answers"][-2:] == ["good", "1"]
    for name in ("service", "slo", "postgres", "redis", "kubernetes", "monitoring"):
        assert f"{name} of {STACK}" in done.stdout


def test_a_panel_without_data_is_told_and_is_a_failure(server: Server) -> None:
    server.without = "pg_stat_database_deadlocks"
    done = slipway(STACK, "postgres")
    assert done.exit_code == 1
    (row,) = [line for line in done.stdout.splitlines() if "Deadlocks" in line]
    assert row.split()[-3:] == ["no", "data", "0"]
    assert "1 of 17 panels have no data: postgres-deadlocks" in done.output


def test_a_division_by_nothing_is_no_data(server: Server) -> None:
    server.value = "NaN"
    assert slipway(STACK, "redis").exit_code == 1


def test_what_is_bad_is_named(server: Server) -> None:
    server.value = "0"
    assert "bad: postgres" in slipway(STACK, "postgres").stdout


def test_prometheus_gets_what_grafana_would_ask(server: Server) -> None:
    slipway(STACK, "service")
    queries = [each["query"] for each in server.asked]
    assert not [query for query in queries if "$" in query]
    assert [query for query in queries if 'instance=~".*"' in query and "[60s]" in query]


def test_pictures_are_drawn_of_the_time_that_was_asked_for(server: Server, tmp_path: Path) -> None:
    done = slipway(STACK, "redis", "slo", "--png", "--since", "6h", "--to", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["redis.png", "slo.png"]
    assert (tmp_path / "redis.png").read_bytes().startswith(b"\x89PNG")
    course = next(each for each in server.asked if each["path"].endswith("query_range"))
    window = Window(6 * 3600, 15)
    assert float(course["end"]) - float(course["start"]) == window.seconds
    assert (float(course["end"]) % window.step, float(course["step"])) == (0, window.step)


def test_a_page_holds_all_of_them(server: Server, tmp_path: Path) -> None:
    done = slipway(STACK, "redis", "slo", "--html", "--to", str(tmp_path))
    assert done.exit_code == 0, done.output
    (file,) = tmp_path.iterdir()
    assert file.name == "dashboards.html"
    assert file.read_text().count("data:image/png;base64,") == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing"], f"dashboard nothing: is no dashboard of {STACK}"),
        (["--since", "soon"], "--since: 'soon' is no time from 5m to 90d"),
        (["--since", "1m"], "--since: '1m' is no time from 5m to 90d"),
        (["--since", "9999d"], "--since: '9999d' is no time from 5m to 90d"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(
    server: Server, arguments: list[str], told: str
) -> None:
    failed = slipway(STACK, *arguments).exception
    assert isinstance(failed, UserError)
    assert str(failed).startswith(told)
    assert server.asked == []


def test_a_refusal_of_prometheus_is_told(server: Server) -> None:
    server.refused = True
    failed = slipway(STACK, "redis").exception
    assert isinstance(failed, UserError)
    assert "answered 400" in str(failed)


def test_no_command_waits_for_the_drawing_library_or_grafanas() -> None:
    code = (
        "import sys, typer\nfrom infra.cli import app, dashboards, verbs\nverbs.register(app)\n"
        "import infra.dashboards.read, infra.program\n"
        "sys.exit(bool({'matplotlib', 'numpy', 'grafana_foundation_sdk'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
