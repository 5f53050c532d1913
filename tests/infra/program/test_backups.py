"""The pods of backups under mocks: who holds which key, when they run, and where the store comes from."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.render import backup_keys
from infra.render.backup_keys import User
from infra.settings.secrets import SecretName
from tests.infra.mocks import SECRETS, Built, built, settings

pytestmark = pytest.mark.unit
KEY = SECRETS[SecretName.BACKUP_KEY]
IDENTITY = backup_keys.identity(KEY).splitlines()[4]


@cache
def program() -> Built:
    return built(settings("sandbox", backups={"time_zone": "Asia/Seoul", "deadline_minutes": 90}))


def with_store(**store: str | int) -> Built:
    return built(settings("ledger-prod", backups={"enabled": True, "bucket": "b-1", "store": store}))


def jobs(made: Built) -> dict[str, dict[str, Any]]:
    return {str(job["metadata"]["name"]): job["spec"] for job in made.kind("CronJob").values()}


def pod(made: Built, name: str) -> dict[str, Any]:
    template: dict[str, Any] = jobs(made)[name]["jobTemplate"]["spec"]["template"]["spec"]
    return template


def secrets_of(made: Built, spec: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The data of every Secret that a pod mounts or takes its environment from, by Pulumi name."""
    text = json.dumps(spec)
    return {
        name: inputs["stringData"]["value"]  # what Pulumi marks as secret
        for name, inputs in made.kind("Secret").items()
        if str(inputs["metadata"]["name"]) in text
    }


def test_every_schedule_runs_alone_in_the_team_s_time_zone_and_ends_in_time() -> None:
    for name, spec in jobs(program()).items():
        assert spec["timeZone"] == "Asia/Seoul", name
        assert spec["concurrencyPolicy"] == "Forbid", name
        assert spec["startingDeadlineSeconds"] == 3600, name
        job = spec["jobTemplate"]["spec"]
        assert job["template"]["spec"]["restartPolicy"] == "Never", name
        assert job.get("activeDeadlineSeconds") == (None if name == "backup-restore" else 5400), name


def test_what_is_started_by_hand_is_suspended_and_nothing_else_is() -> None:
    assert {name for name, spec in jobs(program()).items() if spec["suspend"]} == {"backup-restore"}
    assert set(jobs(program())) == {
        "backup-database",
        "backup-full",
        "backup-retention",
        "backup-drill",
        "backup-restore",
    }


def test_only_pods_that_read_dumps_can_decrypt_them() -> None:
    able = {
        name
        for name, spec in program().pods()
        if any(IDENTITY in json.dumps(data) for data in secrets_of(program(), spec).values())
    }
    assert able == {"backups-restore", "backups-drill"}


def test_only_pods_that_dump_or_restore_reach_the_database() -> None:
    able = {
        name
        for name, spec in program().pods()
        if name.startswith("backups-")
        and any("DATABASE_URL" in data for data in secrets_of(program(), spec).values())
    }
    assert able == {"backups-database", "backups-full", "backups-restore"}


def test_each_pod_asks_the_store_as_one_user() -> None:
    users = {
        name: [
            data["AWS_ACCESS_KEY_ID"]
            for data in secrets_of(program(), spec).values()
            if "AWS_ACCESS_KEY_ID" in data
        ]
        for name, spec in program().pods()
        if name.startswith("backups-")
    }
    assert users == {
        "backups-database": ["writer"],
        "backups-full": ["writer"],
        "backups-retention": ["keeper"],
        "backups-drill": ["reader"],
        "backups-restore": ["reader"],
        "backups-exporter": ["reader"],
    }


def test_the_one_secret_itself_is_in_no_pod() -> None:
    for item in program().resources:
        assert KEY not in json.dumps(item.inputs, default=str), item.name


def test_what_follows_from_the_secret_stands_in_secrets_only() -> None:
    derived = [
        IDENTITY,
        backup_keys.signing_key(KEY),
        *(backup_keys.user_secret(KEY, user) for user in User),
        backup_keys.store_certificate(KEY, "object-store.sandbox.svc").key.splitlines()[1],
    ]
    for item in program().resources:
        if not item.typ.endswith(":Secret"):
            text = json.dumps(item.inputs, default=str)
            assert [value for value in derived if value in text] == [], item.name


def test_prometheus_finds_the_exporter_by_its_annotations() -> None:
    service = program().kind("Service")["backups-exporter-address"]
    pods = program().kind("Deployment")["backups-exporter"]["spec"]["template"]
    for metadata in (service["metadata"], pods["metadata"]):
        assert metadata["annotations"] == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "9187",
            "prometheus.io/path": "/metrics",
        }


def test_a_store_that_is_there_gets_the_key_that_was_given_and_no_pod_of_ours() -> None:
    made = with_store(kind="s3", endpoint="https://s3.example.com")
    assert "object-store-set" not in made.kind("StatefulSet")
    assert (
        made.kind("ConfigMap")["backups-environment"]["data"]["BACKUP_ENDPOINT"] == "https://s3.example.com"
    )
    given = made.kind("Secret")["backups-writer"]["stringData"]["value"]
    assert given["AWS_SECRET_ACCESS_KEY"] == SECRETS[SecretName.BACKUP_SECRET_ACCESS_KEY]


def test_without_backups_there_is_nothing_of_them() -> None:
    made = built(settings("sandbox", backups={"enabled": False}))
    assert [item.name for item in made.resources if "backup" in item.name or "store" in item.name] == []
    assert "backups" not in made.exports["images"]


def test_a_new_key_renames_what_follows_from_it_and_restarts_the_store() -> None:
    changed = {**SECRETS, SecretName.BACKUP_KEY: "n" * 43}
    before, after = (
        {item.name: item.inputs.get("metadata", {}).get("name") for item in made.resources}
        for made in (built(settings("sandbox")), built(settings("sandbox"), changed))
    )
    assert {name for name in before if before[name] != after[name]} == {
        "object-store-auth",
        "backups-keys",
        "backups-identity",
        "backups-writer",
        "backups-keeper",
        "backups-reader",
    }


def test_a_bucket_of_our_own_at_aws_gives_each_user_its_own_key() -> None:
    made = with_store(kind="aws", region="eu-central-1")
    assert "object-store-set" not in made.kind("StatefulSet")
    assert {item.typ for item in made.resources} >= {"aws:s3/bucket:Bucket", "aws:iam/accessKey:AccessKey"}
    keys = {
        name: made.kind("Secret")[f"backups-{name}"]["stringData"]["value"]["AWS_SECRET_ACCESS_KEY"].rstrip(
            "x"
        )
        for name in ("writer", "keeper", "reader")
    }
    assert keys == {name: f"issued-bucket-{name}" for name in keys}
    assert made.kind("ConfigMap")["backups-environment"]["data"]["AWS_REGION"] == "eu-central-1"


def test_nothing_is_written_to_a_bucket_before_all_its_protection_is_in_force() -> None:
    made = with_store(kind="aws", region="eu-central-1", object_lock_days=7)
    parts = {item.name for item in made.resources if item.typ.startswith("aws:s3/")}
    assert len(parts) == 8
    assert made.awaited["backups"] >= parts


@pytest.mark.parametrize("variable", ["http://127.0.0.1:5000", ""])
def test_aws_is_where_its_own_variable_says(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", variable)
    made = with_store(kind="aws", region="eu-central-1")
    (provider,) = [item.inputs for item in made.resources if item.typ == "pulumi:providers:aws"]
    assert provider["region"] == "eu-central-1"
    endpoints = json.loads(provider.get("endpoints", "[]"))
    assert endpoints == ([{"s3": variable, "iam": variable}] if variable else [])


def test_a_stack_without_aws_has_nothing_of_it() -> None:
    assert [item.name for item in program().resources if "aws" in item.typ] == []
