"""Every panel of every dashboard returns data on the running sandbox, once there is something to see."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from infra import alerting
from infra.dashboards import read
from infra.monitoring import catalogue
from infra.monitoring.alert import Dashboard
from infra.monitoring.panel import Board
from infra.monitoring.variables import Window
from infra.settings import check
from infra.settings.model import Settings
from tests.live.conftest import STACK, Kubectl
from tests.live.facts import eventually
from tests.live.monitoring import traffic

pytestmark = [pytest.mark.live, pytest.mark.slow]
Run = Callable[..., subprocess.CompletedProcess[str]]
# The error budget is worked out every five minutes; all else follows within two scrapes and a rate's window.
LONGEST_SECONDS = 360
MOST_BYTES = 300 * 1024  # of a picture: each pod that another test replaced is a line more
DRILL = "drill-for-the-dashboards"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return check.load(STACK, secrets=False)


@pytest.fixture(scope="module")
def busy(api: httpx.Client, slipway: Run) -> Iterator[None]:
    """The demo's ledger is there, and requests go on until every panel was looked at."""
    done = slipway("demo", STACK)
    assert done.returncode == 0, done.stderr
    over = threading.Event()
    wrong: list[int] = []

    def ask() -> None:
        while not over.is_set():
            wrong.extend(status for status in traffic.run(api, 2) if status >= 500)

    asking = threading.Thread(target=ask)
    asking.start()
    yield
    over.set()
    asking.join()
    assert wrong == []


@pytest.fixture(scope="module")
def backed_up(settings: Settings, slipway: Run, kubectl: Kubectl) -> None:
    """There is a backup, and it has been restored in a drill: made here where a new sandbox has none."""
    (board,) = [each for each in catalogue.boards(settings) if each.uid is Dashboard.BACKUPS]
    if empty(settings, board):
        done = slipway("backup", "now", STACK)
        assert done.returncode == 0, done.stderr
        kubectl("create", "job", "--from=cronjob/backup-drill", DRILL)
        kubectl("wait", f"job/{DRILL}", "--for=condition=complete", "--timeout=180s")
        kubectl("delete", "job", DRILL)


def empty(settings: Settings, board: Board) -> list[str]:
    """Keys of the panels, and legends of their queries, that have no data now."""
    window = Window(3600, settings.monitoring.scrape_interval_seconds)
    (picture,) = read.now(alerting.place(STACK), [board], window, datetime.now(UTC))
    return [f"{key}: {legend}" for key, shown in picture.shown.items() for legend in shown.lacking]


@pytest.mark.parametrize("uid", list(Dashboard))
@pytest.mark.usefixtures("busy", "backed_up")
def test_every_query_of_every_panel_returns_data(uid: Dashboard, settings: Settings) -> None:
    (board,) = [each for each in catalogue.boards(settings) if each.uid is uid]

    def all_there() -> bool:
        return not empty(settings, board)

    try:
        eventually(all_there, f"every panel of {uid} has data", LONGEST_SECONDS)
    except pytest.fail.Exception:
        pytest.fail(f"without data: {', '.join(empty(settings, board))}")


@pytest.mark.usefixtures("busy", "backed_up")
def test_the_command_lists_them_and_draws_them(slipway: Run, tmp_path: Path) -> None:
    listed = eventually(lambda: _good(slipway("dashboards", STACK)), "every panel is listed with data", 120)
    assert "no data" not in listed.stdout
    draw = ("dashboards", STACK, "--png", "--html", "--since", "30m", "--to", str(tmp_path))
    eventually(lambda: _good(slipway(*draw)), "every panel is drawn with data", 120)
    pictures = {path.stem: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert set(pictures) == {uid.value for uid in Dashboard}
    assert max(pictures.values()) < MOST_BYTES
    assert (tmp_path / "dashboards.html").read_text().count("data:image/png") == len(pictures)


def _good(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str] | None:
    return done if done.returncode == 0 else None
