"""The ten faults, at the alerts' real times: each fires one alert, in time, by every way, and is over."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from infra.monitoring.alerts import backups
from tests.live.monitoring.conftest import watched
from tests.live.monitoring.faults import FAULTS, Fault, no_dumps
from tests.live.monitoring.notice import notice, others
from tests.live.monitoring.watched import Watched

__all__ = ["watched"]
pytestmark = pytest.mark.soak


LAST = "nobody makes backups"


@pytest.fixture(scope="module")
def dumped(watched: Watched) -> Iterator[float]:
    """From now on no backup is made: while the other faults last, it grows too old. When that began."""
    with no_dumps(watched):
        yield time.monotonic()


@pytest.mark.parametrize("title", [*FAULTS, LAST])
def test_of_a_fault_one_alert_is_told_in_time_and_so_is_its_end(
    watched: Watched, dumped: float, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    limit = backups.age_limit(watched.settings.backups, watched.settings.backups.schedule)
    left = int(dumped + limit.total_seconds() - time.monotonic())
    fault = FAULTS.get(title) or Fault("BackupTooOld", no_dumps, seen_seconds=left + 60)
    found = notice(watched, fault)
    with capsys.disabled():
        print(f"\n{found}")
    assert others(watched, fault) == set()
