"""``python -m app.smoke`` against the real process: one that is well, and ones that are not."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from app.smoke import asking, runs
from app.smoke.__main__ import main
from tests.app import schema
from tests.app.conftest import SECRET_KEY, run_migrations
from tests.app.faulty import SLOW_SECONDS
from tests.app.replicas import QUICK_LIMITS, Service
from tests.app.servers import Postgres, RedisServer, free_port, wait_for

pytestmark = pytest.mark.integration
OTHER_KEY = "another-key-of-the-tests-0123456789"
CHECKS = {"core": 6, "ledger": 7, "dispatch": 9}
ALL = sum(CHECKS.values())


class Done(NamedTuple):
    """What the command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        return self.lines[-1]


Start = Callable[..., Service]
Smoke = Callable[..., Done]


@pytest.fixture
def start(postgres: Postgres, redis: RedisServer) -> Iterator[Start]:
    """``start("500", every=50, path=…)``: a replica with every module, a stack's usual rate limits and a
    fault; capital names are variables of its own."""
    made: list[Service] = []
    redis.empty()

    def begin(fault: str = "none", every: int = 1, path: str = "", **changed: str) -> Service:
        changed = {"MODULES": "ledger,dispatch"} | changed
        service = Service(postgres, redis, "tests.app.faulty", **changed)
        for name in QUICK_LIMITS.keys() - changed.keys():
            del service.environment[name]
        service.environment |= {"FAULT": fault, "FAULT_EVERY": str(every), "FAULT_PATH": path}
        made.append(service)
        service.start()
        return service

    yield begin
    for service in made:
        service.remove()


@pytest.fixture
def smoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Smoke:
    """The command in this process, with the service's own environment or one with changes."""

    def run(service: Service, *arguments: str, url: str = "", **changed: str) -> Done:
        for name, value in (service.environment | changed).items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        done = Done(main([url or service.url, *arguments]), *capsys.readouterr())
        assert SECRET_KEY not in done.out + done.err
        assert "eyJ" not in done.out + done.err  # how every token begins
        return done

    return run


def rows(postgres: Postgres, database: str) -> dict[str, str]:
    """How many rows each table has."""
    tables = schema.tables(postgres, database) - {"monitoring_events"}
    return {name: postgres.sql(f"SELECT count(*) FROM {name}", database=database) for name in sorted(tables)}  # noqa: S608


def test_a_service_that_is_well_passes_and_nothing_is_written(
    start: Start, smoke: Smoke, postgres: Postgres, fresh_database: str
) -> None:
    run_migrations(postgres.address("owner", fresh_database))
    service = start(database=fresh_database)  # where the service's own schedules find nothing to do either
    before = rows(postgres, fresh_database)
    done = smoke(service)
    assert (done.code, done.err) == (0, "")
    (line,) = done.lines
    assert line["event"] == "checks passed"
    assert (line["checks"], line["requests"], line["failed"], line["by_check"]) == (ALL, ALL, 0, {})
    assert 0 < line["p95_ms"] < 10_000
    assert rows(postgres, fresh_database) == before


@pytest.mark.parametrize("modules", ["ledger", "dispatch"])
def test_only_the_modules_of_the_stack_are_asked(start: Start, smoke: Smoke, modules: str) -> None:
    done = smoke(start(MODULES=modules), MODULES=modules)
    assert (done.code, done.summary["checks"]) == (0, CHECKS["core"] + CHECKS[modules])


def test_many_checks_pass_within_the_rate_limits_of_the_stack(start: Start, smoke: Smoke) -> None:
    tight = {"RATE_LIMIT_PER_MINUTE": "20", "RATE_LIMIT_ROUTES": "/categories=3/9/9"}
    service = start(**tight)
    done = smoke(service, "--seconds", "3", "--checks-per-second", "50", **tight)
    assert done.code == 0, done.out
    assert done.summary["requests"] == ALL + 150
    answers = Counter(line["status"] for line in service.said("request"))
    assert set(answers) == {200, 401}
    assert answers[401] == 1


def test_the_repeated_checks_come_over_kept_connections_and_over_new_ones(start: Start, smoke: Smoke) -> None:
    service = start()
    assert smoke(service, "--seconds", "2", "--checks-per-second", "40").code == 0
    seen = service.said("seen")[ALL:]
    kept, new = ({line["port"] for line in seen if line["closing"] is closing} for closing in (False, True))
    assert len(seen) == 80
    assert runs.KEPT <= len(kept) < len(new)  # more where an answer was still awaited
    assert len(new) == 40


def test_one_answer_in_fifty_is_found_and_the_run_ends_with_it(start: Start, smoke: Smoke) -> None:
    done = smoke(start("500", every=50), "--seconds", "12", "--checks-per-second", "100")
    line = done.summary
    assert (done.code, line["event"]) == (1, "checks failed")
    assert 13 <= line["failed"] <= 15  # of the 1,200 that were to come 12 would have been one percent
    assert 13 * 50 <= line["requests"] < 900
    assert {*line["by_check"].values()} == {"500 ERR_1000 instead of 200; trace unknown"}


def test_fewer_failures_than_may_be_are_counted_and_pass(start: Start, smoke: Smoke) -> None:
    arguments = ("--seconds", "3", "--checks-per-second", "40", "--max-error-percent", "5")
    done = smoke(start("500", every=50), *arguments)
    assert (done.code, done.summary["event"], done.summary["failed"]) == (0, "checks passed", 2)
    assert [line["event"] for line in done.lines] == ["check failed"] * len(done.summary["by_check"]) + [
        "checks passed"
    ]


def test_a_check_that_fails_at_first_is_enough_and_the_others_are_asked_too(
    start: Start, smoke: Smoke
) -> None:
    done = smoke(start("500", path="/api/v1/drivers"), "--seconds", "5")
    assert done.code == 1
    finding, summary = done.lines
    assert (finding["event"], finding["check"], finding["path"]) == (
        "check failed",
        "drivers",
        "/api/v1/drivers?page_size=1",
    )
    assert (summary["requests"], summary["failed"], list(summary["by_check"])) == (ALL, 1, ["drivers"])


def test_an_answer_of_another_shape_fails_and_its_content_is_not_told(start: Start, smoke: Smoke) -> None:
    done = smoke(start("shape", path="/transactions"))
    assert done.code == 1
    assert done.summary["by_check"]["transactions"].startswith("items is text, not a list; trace ")
    assert "kim" not in done.out


def test_the_trace_id_of_a_failure_finds_its_line_in_the_services_log(start: Start, smoke: Smoke) -> None:
    service = start(IP_ALLOW_LIST="192.0.2.0/24")
    done = smoke(service)
    reason = done.summary["by_check"]["orders"]
    assert reason.startswith(
        "403 ERR_1103 instead of 200, the checks' own address is not within IP_ALLOW_LIST"
    )
    trace = reason.rpartition(" ")[2]
    assert [line["status"] for line in service.said("request") if line["trace_id"] == trace] == [403]
    assert not {"health", "readiness"} & set(done.summary["by_check"])


def test_a_slow_service_passes_and_is_told_by_its_95th_percentile(start: Start, smoke: Smoke) -> None:
    done = smoke(start("slow"), "--seconds", "1", "--checks-per-second", "20")
    assert done.code == 0
    assert done.summary["p95_ms"] >= SLOW_SECONDS * 1000


def test_an_answer_that_never_comes_is_given_up(
    start: Start, smoke: Smoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "ANSWER_SECONDS", 5.0)
    done = smoke(start("silent", path="/stats/assets"))
    assert (done.code, done.summary["by_check"]) == (1, {"assets": "no answer within 5 s"})


def test_a_service_too_slow_for_the_rate_is_no_pass(
    start: Start, smoke: Smoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST_WAITING", 1)
    monkeypatch.setattr(runs, "ANSWER_SECONDS", 2.0)
    done = smoke(start("slow"), "--seconds", "1", "--checks-per-second", "100")
    assert (done.code, done.summary["failed"]) == (1, 0)
    ((name, reason),) = done.summary["by_check"].items()
    assert name == "rate"
    assert re.fullmatch(r"only \d+ of 100 requests could be sent in 4 s", reason)


def test_an_answer_that_is_cut_off_is_asked_for_again_and_then_fails(start: Start, smoke: Smoke) -> None:
    service = start("cut", path="/stats/assets")
    done = smoke(service, "--within", "5")
    assert done.code == 1
    assert done.summary["by_check"]["assets"].startswith("no answer: RemoteProtocolError")
    assert len(service.said("seen")) > ALL


def test_a_connection_that_is_refused_is_tried_for_so_long(start: Start, smoke: Smoke) -> None:
    begun = time.monotonic()
    done = smoke(start(), "--within", "1", url=f"http://127.0.0.1:{free_port()}")
    assert 0.5 < time.monotonic() - begun < 10
    assert done.code == 1
    assert len(done.summary["by_check"]) == ALL
    assert done.summary["by_check"]["health"].startswith("no answer: ConnectError")
    assert done.summary["p95_ms"] is None


def test_a_service_that_comes_up_meanwhile_is_waited_for(
    postgres: Postgres, redis: RedisServer, smoke: Smoke
) -> None:
    service = Service(postgres, redis)
    try:
        beginning = threading.Thread(target=service.start)
        beginning.start()
        done = smoke(service)
        beginning.join()
    finally:
        service.remove()
    assert done.code == 0, done.out


def test_another_secret_key_than_the_services_is_told_and_not_shown(start: Start, smoke: Smoke) -> None:
    done = smoke(start(), SECRET_KEY=OTHER_KEY)
    assert done.code == 1
    passed = {"health", "readiness", "document", "refusal"}
    assert len(done.summary["by_check"]) == ALL - len(passed)
    assert not passed & set(done.summary["by_check"])
    assert "the service does not take tokens of this SECRET_KEY" in done.summary["by_check"]["identity"]
    assert OTHER_KEY not in done.out + done.err


def test_answers_of_another_version_prove_nothing(start: Start, smoke: Smoke) -> None:
    done = smoke(start(), VERSION="2.0.0")
    assert done.code == 1
    assert set(done.summary["by_check"]) == {"health", "document"}
    assert done.summary["by_check"]["health"].startswith("version is '1.2.3', not '2.0.0'; trace ")


def test_a_health_page_that_is_off_and_a_version_that_nobody_told_are_not_asked_for(
    start: Start, smoke: Smoke
) -> None:
    off = {"ENABLE_HEALTH_CHECK": "false", "VERSION": ""}
    done = smoke(start(**off), **off)
    assert (done.code, done.summary["checks"]) == (0, ALL - 1), done.out


@pytest.mark.parametrize(("sig", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_at_once(start: Start, sig: signal.Signals, code: int) -> None:
    service = start("silent", path="/auth/me")
    command = [sys.executable, "-m", "app.smoke", service.url]
    process = subprocess.Popen(
        command, env=service.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: len(service.said("seen")) > 3, "the check that hangs")
        begun = time.monotonic()
        process.send_signal(sig)
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (process.returncode, err) == (code, "")
    assert time.monotonic() - begun < asking.ANSWER_SECONDS / 2
    assert json.loads(out)["event"] == "checks ended"
    assert json.loads(out)["signal"] == sig.name
