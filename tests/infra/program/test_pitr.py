"""PostgreSQL's pod with an archive, under mocks: two containers, one volume, who holds which key."""

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


@cache
def program() -> Built:
    return built(settings("sandbox", backups={"pitr": {"enabled": True}}))


def pod(made: Built) -> dict[str, Any]:
    return dict(made.pods())["postgres-set"]


def containers(made: Built) -> dict[str, dict[str, Any]]:
    return {found["name"]: found for found in pod(made)["containers"]}


def restore(made: Built) -> dict[str, Any]:
    found: dict[str, Any] = made.kind("CronJob")["postgres-restore"]["spec"]
    return found


def files(made: Built, container: dict[str, Any], spec: dict[str, Any]) -> str:
    """The text of every Secret that the container mounts."""
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    named = {
        volume["secret"]["secretName"]
        for volume in spec["volumes"]
        if "secret" in volume and volume["name"] in mounted
    }
    return json.dumps(
        [
            inputs["stringData"]["value"]
            for inputs in made.kind("Secret").values()
            if inputs["metadata"]["name"] in named
        ]
    )


def test_without_the_setting_the_pod_is_as_it_was() -> None:
    plain = built(settings("sandbox"))
    assert list(containers(plain)) == ["postgres"]
    assert "postgres-restore" not in plain.kind("CronJob")
    assert "slipway/postgres:" in containers(plain)["postgres"]["image"]


def test_both_containers_run_the_image_that_has_pgbackrest_in_the_restricted_profile() -> None:
    found = containers(program())
    assert list(found) == ["postgres", "pitr"]
    for container in found.values():
        assert "slipway/backups:" in container["image"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


def test_the_second_container_only_reads_the_volume_and_shares_the_sockets() -> None:
    mounts = {mount["name"]: mount for mount in containers(program())["pitr"]["volumeMounts"]}
    assert mounts["data"]["readOnly"] is True
    assert "sockets" in mounts
    names = [volume["name"] for volume in pod(program())["volumes"]]
    assert len(names) == len(set(names))


def test_postgresql_s_container_cannot_remove_from_the_archive_and_the_other_can() -> None:
    found, spec = containers(program()), pod(program())
    archiver = backup_keys.user_secret(KEY, User.ARCHIVER)
    keeper = backup_keys.user_secret(KEY, User.PITR)
    assert archiver in files(program(), found["postgres"], spec)
    assert keeper not in files(program(), found["postgres"], spec)
    assert keeper in files(program(), found["pitr"], spec)
    assert archiver not in files(program(), found["pitr"], spec)


def test_no_key_of_the_archive_is_in_an_environment_or_an_argument() -> None:
    text = json.dumps([pod(program()), restore(program())])
    for word in (KEY, backup_keys.pitr_pass(KEY), *(backup_keys.user_secret(KEY, user) for user in User)):
        assert word not in text


def test_the_restore_takes_its_turn_with_postgresql_s_own_volume_and_never_runs_by_itself() -> None:
    spec = restore(program())
    assert spec["suspend"] is True
    template = spec["jobTemplate"]["spec"]["template"]["spec"]
    claims = [
        volume["persistentVolumeClaim"] for volume in template["volumes"] if "persistentVolumeClaim" in volume
    ]
    assert claims == [{"claimName": "data-postgres-0"}]
    assert template["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
    labels = spec["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] == "backup-pitr"  # the Service must not find it


def with_store(**store: str) -> Built:
    pitr = {"enabled": True}
    return built(
        settings("ledger-prod", backups={"enabled": True, "bucket": "b-1", "store": store, "pitr": pitr})
    )


def test_a_store_that_is_there_gives_both_containers_the_key_it_has() -> None:
    made = with_store(kind="s3", region="ap-northeast-2")
    given = SECRETS[SecretName.BACKUP_SECRET_ACCESS_KEY]
    for container in containers(made).values():
        assert given in files(made, container, pod(made))


def test_at_aws_each_container_has_a_user_of_its_own() -> None:
    made = with_store(kind="aws", region="ap-northeast-2")
    for container, user in (("postgres", "archiver"), ("pitr", "pitr")):
        text = files(made, containers(made)[container], pod(made))
        assert f"repo1-s3-key-secret=issued-bucket-{user}" in text
        assert "repo1-s3-endpoint=s3.ap-northeast-2.amazonaws.com" in text


def test_at_aws_nobody_may_write_an_archive_that_the_stack_does_not_have() -> None:
    made = built(
        settings(
            "ledger-prod",
            backups={"enabled": True, "bucket": "b-1", "store": {"kind": "aws", "region": "r-1"}},
        )
    )
    users = {item.name for item in made.resources if item.typ == "aws:iam/user:User"}
    assert users == {"bucket-writer", "bucket-keeper", "bucket-reader"}
