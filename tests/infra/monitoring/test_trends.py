"""Disks and volumes that fill up are told a day ahead, and slower ones are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.monitoring import catalogue
from infra.render import alerts as render
from tests.infra.monitoring import promtool, series, stacks
from tests.infra.monitoring.promtool import Moment
from tests.infra.monitoring.series import Timeline

pytestmark = pytest.mark.unit
MINUTES, STEP = 400, 60
KNOWN = 3 * 60  # minutes before which nothing is a trend
# Alert → its series, free bytes at the beginning, and its namespace; sizes stand in series.well().
CASES = {
    "NodeDiskFillsUp": (series.DISK_FREE, 3.5e10, None),
    "VolumeFillsUp": (series.free("data-postgres-0"), 3.5e9, "example-prod"),
}


def falling(name: str, hours: float) -> list[dict[str, str]]:
    """It would be full after that many hours."""
    where, free, _ = CASES[name]
    settings = stacks.full()
    wanted = where.replace("NAMESPACE", settings.namespace_name)
    each = free / (hours * 60)
    text = f"{free:.12g}-{each:.12g}x{MINUTES}"
    found = series.written(settings, {}, Timeline(STEP, MINUTES, MINUTES, MINUTES))
    return [{**one, "values": text} if one["series"] == wanted else one for one in found]


def rules(name: str) -> str:
    return render.rules({"one": [catalogue.alerts(stacks.full())[name]]})


@pytest.mark.parametrize("name", CASES)
def test_what_will_be_full_within_a_day_is_told_after_an_hour(name: str, tmp_path: Path) -> None:
    firing = {(name, CASES[name][2]): 1}
    found = [Moment((KNOWN + 50) * 60, {}), Moment((KNOWN + 70) * 60, firing)]
    promtool.moments(tmp_path, rules(name), STEP, falling(name, hours=20), found)


@pytest.mark.parametrize("name", CASES)
def test_what_lasts_longer_is_not_told(name: str, tmp_path: Path) -> None:
    found = [Moment((KNOWN + 70) * 60, {}), Moment((MINUTES - 1) * 60, {})]
    promtool.moments(tmp_path, rules(name), STEP, falling(name, hours=36), found)
