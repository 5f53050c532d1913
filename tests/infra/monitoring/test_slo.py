"""The error budget: windows and rates of the SRE workbook, and series made from the same numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.monitoring import catalogue, slo
from infra.monitoring.alerts.slo import FAST_LASTS, SLOW_LASTS
from infra.monitoring.promql import duration
from infra.monitoring.slo import FAST, SLOW, Burn, Objective
from infra.render import alerts as render
from infra.settings.model import Settings
from infra.settings.slo import Latency, Slo
from tests.infra.monitoring import promtool, series, stacks
from tests.infra.monitoring.promtool import Moment
from tests.infra.monitoring.series import COUNT, FAILED, OK, SPEED, Course, Rate, Timeline, within

pytestmark = pytest.mark.unit
STEP, SLOW_STEP, MINUTE = 60, 120, 60
FAST_ALERT = "SloAvailabilityBurnsFast"
LAG = 7  # minutes that the recorded five minutes and the scrapes lie behind
CASES = [
    (objective, window, burn)
    for objective in ("availability", "latency")
    # The slow windows of 30 days would be a week of series; those of 7 days come from the same numbers.
    for window, burns in (("30d", FAST), ("7d", SLOW))
    for burn in burns
]


def objective_of(settings: Settings, name: str) -> Objective:
    (found,) = (each for each in slo.objectives(settings) if each.name == name)
    return found


def bad(name: str, share: float) -> dict[str, Course]:
    """That share of the requests fails, or is slower than promised."""
    if name == "availability":
        return {OK: Rate(SPEED * (1 - share)), FAILED: Rate(SPEED * share)}
    return {within(0.2): Rate(SPEED * (1 - share))}


def requests(settings: Settings, course: dict[str, Course], timeline: Timeline) -> list[dict[str, str]]:
    """The requests alone: nothing else is asked for here."""
    every = series.written(settings, course, timeline)
    return [each for each in every if each["series"].startswith("api_re")]


def alert_of(name: str, burn: Burn) -> tuple[str, int]:
    """The alert's name and the minutes that it waits."""
    kind, lasts = ("Fast", FAST_LASTS) if burn in FAST else ("Slowly", SLOW_LASTS)
    return f"Slo{name.title()}Burns{kind}", int(lasts.removesuffix("m"))


def only(settings: Settings) -> str:
    return render.rules({"slo": catalogue.groups(settings)["slo"]}, catalogue.recordings(settings))


@pytest.mark.parametrize(("name", "window", "burn"), CASES)
def test_a_burn_is_told_when_both_windows_say_so_and_ends_with_it(
    name: str, window: str, burn: Burn, tmp_path: Path
) -> None:
    settings = stacks.full(window)
    objective, stretched = objective_of(settings, name), burn.stretched(settings.slo.days)
    limit = objective.limit(burn)
    share = min(1.5 * limit, (1 + limit) / 2)
    until = round(stretched.long * limit / share)  # the long window has its limit then
    alert, waits = alert_of(name, burn)
    # Both pairs of windows are full of good requests first, and both must have forgotten at last.
    pairs = [each.stretched(settings.slo.days) for each in (FAST if burn in FAST else SLOW)]
    begin = max(each.long for each in pairs)
    end = begin + until + waits + stretched.long // 5 + LAG
    last = end + max(each.short for each in pairs) + 2 * LAG
    firing: dict[tuple[str, str | None], int] = {(alert, settings.namespace_name): 1}
    moments = [
        Moment((begin + round(until * 0.85)) * MINUTE, {}, of=alert),
        Moment((end - 1) * MINUTE, firing, of=alert),
        Moment((last - 2) * MINUTE, {}, of=alert),  # the short window ends it, the long is still bad
    ]
    step = STEP if burn in FAST else SLOW_STEP
    said = requests(settings, bad(name, share), Timeline(step, begin, end, last))
    promtool.moments(tmp_path, only(settings), step, said, moments)


@pytest.mark.parametrize("name", ["availability", "latency"])
def test_what_the_promise_allows_is_never_told(name: str, tmp_path: Path) -> None:
    settings = stacks.full("7d")
    share = 0.8 * objective_of(settings, name).budget
    last = round(1.5 * SLOW[-1].stretched(7).long)
    said = requests(settings, bad(name, share), Timeline(SLOW_STEP, 2, last, last))
    moments = [Moment(at * MINUTE, {}) for at in (30, last // 2, last - 2)]
    promtool.moments(tmp_path, only(settings), SLOW_STEP, said, moments)


def test_three_failures_in_an_hour_of_a_quiet_night_wake_nobody(tmp_path: Path) -> None:
    settings, hours = stacks.full(), 8
    last = hours * 60
    quiet: dict[str, Course] = {each: Rate(12 / 3600) for each in (OK, COUNT, within(0.2))}
    failed = FAILED.replace("NAMESPACE", settings.namespace_name)
    late = {"series": failed, "values": f"0x{last - 61} 0+0.05x60"}
    every = requests(settings, quiet, Timeline(STEP, 0, last, last))
    said = [late if each["series"] == failed else each for each in every]
    rules = only(settings)
    promtool.moments(tmp_path, rules, STEP, said, [Moment((last - 1) * MINUTE, {}, of=FAST_ALERT)])
    # They are a fifth of the hour's requests: only their number is what keeps the alert back.
    query = "sum(round(namespace:slo_availability_bad:ratio_1h, 0.1))"
    promtool.value(tmp_path, rules, STEP, said, ((last - 1) * MINUTE, query), 0.2)


@pytest.mark.parametrize(("share", "left"), [(0.0, 1.0), (0.0005, 0.5), (0.001, 0.0), (0.002, -1.0)])
def test_the_budget_that_is_left_is_recorded(share: float, left: float, tmp_path: Path) -> None:
    settings, last = stacks.full(), 240
    said = requests(settings, bad("availability", share), Timeline(STEP, 0, last, last))
    query = "sum(round(namespace:slo_availability_budget:remaining, 0.01))"
    promtool.value(tmp_path, only(settings), STEP, said, ((last - 1) * MINUTE, query), left)


def test_without_an_error_the_budget_is_whole_though_there_is_no_series_of_errors(tmp_path: Path) -> None:
    settings = stacks.full()
    every = requests(settings, {}, Timeline(STEP, 60, 60, 60))
    said = [each for each in every if "503" not in each["series"]]
    query = "sum(namespace:slo_availability_budget:remaining)"
    promtool.value(tmp_path, only(settings), STEP, said, (59 * MINUTE, query), 1)


def test_windows_and_rates_are_the_workbooks() -> None:
    table = [(burn.rate, duration(burn.long), duration(burn.short)) for burn in (*FAST, *SLOW)]
    assert table == [(14.4, "1h", "5m"), (6, "6h", "30m"), (3, "1d", "2h"), (1, "3d", "6h")]


@pytest.mark.parametrize("days", [7, 28, 30, 90])
def test_the_same_share_of_the_budget_is_gone_when_it_is_told_in_any_window(
    days: int,
) -> None:
    for burn, gone in zip((*FAST, *SLOW), (0.02, 0.05, 0.1, 0.1), strict=True):
        found = burn.stretched(days)
        assert found.rate * found.long / (days * 24 * 60) == pytest.approx(gone, rel=0.01)
        assert found.short >= slo.LEAST_MINUTES


@pytest.mark.parametrize("window", ["7d", "8d", "28d", "30d", "90d"])
@pytest.mark.parametrize("availability", [90.0, 95.5, 99.0, 99.9, 99.99])
def test_promtool_takes_the_rules_of_any_promise(window: str, availability: float, tmp_path: Path) -> None:
    promise = Slo(window=window, availability=availability, latency=Latency(p95_ms=1000))
    promtool.check(tmp_path, only(stacks.full().model_copy(update={"slo": promise})))


def test_a_rate_at_which_more_than_every_request_would_have_to_fail_is_left_out() -> None:
    settings = stacks.full().model_copy(update={"slo": Slo(availability=90.0)})
    objective = objective_of(settings, "availability")
    assert [burn.rate for burn in objective.burns(FAST, 30)] == [6]
    assert " > 1.44" not in catalogue.alerts(settings)["SloAvailabilityBurnsFast"].expression


def test_the_budget_is_the_number_that_the_promise_leaves() -> None:
    budgets = [objective_of(stacks.full(), name).budget for name in ("availability", "latency")]
    assert budgets == [0.001, 0.05]
