"""Backups on the running sandbox: made, listed, checked, rehearsed, and the database back from nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from infra.render.backup_keys import User
from tests.live.backups.asking import as_user
from tests.live.conftest import STACK, Kubectl
from tests.live.facts import eventually

pytestmark = [pytest.mark.live, pytest.mark.slow]
Run = Callable[..., subprocess.CompletedProcess[str]]
Objects = Callable[..., list[dict[str, Any]]]
DROP = """\
psql --host=/run/postgresql --username=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
     --command='DROP DATABASE slipway WITH (FORCE)'
"""


def done(answer: subprocess.CompletedProcess[str]) -> str:
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def summary(slipway: Run) -> str:
    """What `slipway demo` shows of the month, without the line that counts what was new."""
    return done(slipway("demo")).partition("\n")[2]


@pytest.fixture(scope="module")
def made(slipway: Run, outputs: dict[str, Any]) -> dict[str, Any]:
    """A backup of the demo's ledger, made now."""
    summary(slipway)
    found: dict[str, Any] = json.loads(done(slipway("backup", "now", STACK, "--json")))
    return found


def test_a_backup_made_now_is_listed_and_its_bytes_are_as_its_manifest_says(
    made: dict[str, Any], slipway: Run
) -> None:
    listed = json.loads(done(slipway("backup", "list", STACK, "--json")))["backups"]
    (found,) = [backup for backup in listed if backup["id"] == made["backup"]]
    assert (found["problem"], found["bytes"]) == (None, made["bytes"])
    assert made["rows"] >= 2_000
    assert "are as its manifest says" in done(slipway("backup", "verify", STACK, made["backup"]))


def test_a_full_backup_holds_cache_and_configuration(slipway: Run) -> None:
    full = json.loads(done(slipway("backup", "now", STACK, "--full", "--json")))
    names = [name.partition(".")[0] for name in full["objects"]]
    assert sorted(names) == ["configuration", "database", "redis"]


def test_a_database_dropped_by_hand_is_back_with_the_same_summary(
    made: dict[str, Any], slipway: Run, kubectl: Kubectl
) -> None:
    before = summary(slipway)
    kubectl("exec", "postgres-0", "--", "bash", "-c", DROP)
    told = done(slipway("restore", STACK, "--backup", made["backup"], "--yes"))
    assert f"{made['backup']} is in the database slipway_restored" in told
    eventually(lambda: slipway("status").returncode == 0, "the service is healthy again")
    assert summary(slipway) == before


def test_a_key_that_the_cache_has_lost_is_back_from_the_daily_copy(
    made: dict[str, Any], slipway: Run, kubectl: Kubectl
) -> None:
    def cache(call: str) -> str:
        ask = f"import os, redis; print(redis.Redis.from_url(os.environ['REDIS_URL']).{call})"
        return kubectl("exec", "deployment/service", "--", "python3", "-c", ask).strip()

    cache("set('of-the-test', 'kept')")
    backup = json.loads(done(slipway("backup", "now", STACK, "--json")))["backup"]
    cache("delete('of-the-test')")
    told = done(slipway("restore", STACK, "--cache", "--backup", backup, "--yes"))
    assert f"keys of {backup} are in the cache" in told
    assert cache("get('of-the-test')") == "b'kept'"
    cache("delete('of-the-test')")


def test_a_restore_is_taken_back_and_put_in_again(made: dict[str, Any], slipway: Run) -> None:
    done(slipway("restore", STACK, "--forget", "--yes"))
    done(slipway("restore", STACK, "--backup", made["backup"], "--yes"))
    assert "is again what it was" in done(slipway("restore", STACK, "--undo", "--yes"))
    eventually(lambda: slipway("status").returncode == 0, "the service is healthy again")
    done(slipway("restore", STACK, "--forget", "--yes"))


def test_some_tables_go_into_another_database_and_the_live_one_stays(
    made: dict[str, Any], slipway: Run, kubectl: Kubectl
) -> None:
    into = ("--into", "looked_at", "--tables", "transactions,categories")
    told = done(slipway("restore", STACK, "--backup", made["backup"], *into))
    assert "is in the database looked_at" in told
    kubectl("exec", "postgres-0", "--", "bash", "-c", DROP.replace("slipway WITH", "looked_at WITH"))


def test_a_drill_records_what_it_found(made: dict[str, Any], kubectl: Kubectl, slipway: Run) -> None:
    kubectl("create", "job", "--from=cronjob/backup-drill", "drill-by-hand")
    try:
        kubectl("wait", "--for=condition=complete", "job/drill-by-hand", "--timeout=180s")
    finally:
        log = kubectl("logs", "job/drill-by-hand")
        kubectl("delete", "job", "drill-by-hand")
    assert '"result": "ok"' in log, log
    listed = json.loads(done(slipway("backup", "list", STACK, "--json")))["backups"]
    assert listed[0]["verified"], listed[0]


def test_status_says_that_all_is_well(made: dict[str, Any], slipway: Run) -> None:
    found = json.loads(slipway("backup", "status", STACK, "--json").stdout)
    assert found["troubles"] == []
    assert found["newest"] >= made["backup"]


def test_the_exporter_tells_prometheus_of_the_newest_backup(made: dict[str, Any], kubectl: Kubectl) -> None:
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9187/metrics').read().decode())"

    def told() -> bool:
        text = kubectl("exec", "deployment/backup-exporter", "--", "python3", "-c", ask)
        return "backup_last_success_timestamp_seconds{" in text and "backup_store_reachable 1.0" in text

    assert eventually(told, "the exporter has read the store", 120)


@pytest.mark.parametrize(
    ("user", "call", "allowed"),
    [
        (User.WRITER, "put_object(Bucket=b, Key=k, Body=b'x')", True),
        (User.WRITER, "get_object(Bucket=b, Key=k)", True),
        (User.WRITER, "delete_object(Bucket=b, Key=k)", False),
        (User.WRITER, "put_object(Bucket=b, Key='another/x', Body=b'x')", False),
        (User.READER, "get_object(Bucket=b, Key=k)", True),
        (User.READER, "put_object(Bucket=b, Key=k, Body=b'x')", False),
        (User.READER, "delete_object(Bucket=b, Key=k)", False),
        (User.KEEPER, "put_object(Bucket=b, Key=k, Body=b'x')", False),
        (User.KEEPER, "delete_bucket_policy(Bucket=b)", False),
        (User.KEEPER, "delete_object(Bucket=b, Key=k)", True),
    ],
)
def test_each_user_of_the_store_may_do_its_own_task_only(
    kubectl: Kubectl, user: User, call: str, allowed: bool
) -> None:
    assert as_user(kubectl, user, call) is allowed


def test_the_store_keeps_what_it_holds_through_a_restart(
    made: dict[str, Any], slipway: Run, kubectl: Kubectl
) -> None:
    kubectl("delete", "pod", "object-store-0", "--wait=true")
    kubectl("rollout", "status", "statefulset/object-store", "--timeout=120s")
    assert "are as its manifest says" in done(slipway("backup", "verify", STACK, made["backup"]))
