"""`slipway restore --from` without a cluster: whose keys the pod is lent, and that they are gone after."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import backup_jobs
from infra.errors import EXIT_INTERRUPTED, UserError
from infra.render import backup_keys
from infra.render import backups as render
from infra.render.backup_keys import User
from infra.settings.model import Settings
from infra.settings.secrets import SecretName
from tests.infra.cli.restoring.lending import (
    KEY,
    KEYS,
    POD,
    SOURCE,
    TARGET,
    calls,
    container,
    from_prod,
    made,
    problem,
)
from tests.infra.cli.test_backup import NEW, said
from tests.infra.mocks import SECRETS, settings

pytestmark = pytest.mark.unit


def test_the_newest_backup_of_another_stack_is_restored_masked_and_then_swapped_by_the_stack_itself(
    cluster: Callable[..., Path],
) -> None:
    folder = cluster()
    answer = from_prod("--yes")
    assert answer.exit_code == 0, answer.output
    restore, _secret, swap = made(folder)
    assert container(restore)["args"] == ["restore", "--newest", "--mask", "--jobs", "4"]
    assert container(swap)["args"] == ["swap"]
    assert container(swap)["env"] == POD["containers"][0]["env"], "a swap needs nothing of the other stack"
    assert f"{NEW} is in the database ledger_restored" in answer.stdout
    assert "its personal data was masked" in answer.stdout


def test_the_pod_hears_of_the_other_store_and_keeps_its_own_database(cluster: Callable[..., Path]) -> None:
    folder = cluster()
    from_prod("--into", "looked_at")
    restore, _ = made(folder)
    name = restore["metadata"]["name"]
    reference = {name: {"secretKeyRef": {"name": restore["metadata"]["name"], "key": name}} for name in KEYS}
    variables = {
        entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(restore)["env"]
    }
    assert variables == {
        "OTHER": "1",
        "BACKUP_STACK": SOURCE,
        "BACKUP_BUCKET": "prod-backups",
        "BACKUP_ENDPOINT": "https://s3.example.com",
        "BACKUP_CA_FILE": "",
        "AWS_REGION": "ap-northeast-2",
        **reference,
    }
    assert container(restore)["envFrom"] == POD["containers"][0]["envFrom"]
    volume = restore["spec"]["template"]["spec"]["volumes"][0]["secret"]
    assert (volume["secretName"], volume["defaultMode"]) == (name, 0o440)
    assert [item["path"] for item in volume["items"]] == ["signing-key", "recipient", "identity"]


def test_the_keys_stand_in_a_secret_of_the_job_that_is_there_before_its_pod_and_gone_after(
    cluster: Callable[..., Path],
) -> None:
    folder = cluster()
    from_prod("--into", "looked_at")
    job, secret = made(folder)
    name = job["metadata"]["name"]
    assert job["spec"]["suspend"] is True
    assert job["spec"]["ttlSecondsAfterFinished"] == 3600
    assert secret["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": "0001"}
    ]
    assert secret["stringData"] == {
        "signing-key": backup_keys.signing_key(KEY),
        "recipient": backup_keys.recipient(KEY),
        "identity": backup_keys.identity(KEY),
        "AWS_ACCESS_KEY_ID": SECRETS[SecretName.BACKUP_ACCESS_KEY_ID],
        "AWS_SECRET_ACCESS_KEY": SECRETS[SecretName.BACKUP_SECRET_ACCESS_KEY],
    }
    said = calls(folder)
    started = said.index(f'patch job {name} --type merge --patch {{"spec": {{"suspend": false}}}}')
    assert [line.startswith("create") for line in said[:started]].count(True) == 2
    assert said[-1] == f"delete secret {name} --ignore-not-found"


def test_no_secret_is_on_a_command_line_in_the_job_or_in_what_is_printed(
    cluster: Callable[..., Path],
) -> None:
    folder = cluster()
    answer = from_prod("--into", "looked_at")
    values = made(folder)[1]["stringData"].values()
    open_to_see = (folder / "calls").read_text() + json.dumps(made(folder)[0]) + answer.output
    assert not [value for value in (KEY, *values) if value.strip() in open_to_see]


def test_the_keys_are_gone_after_a_failure_too_and_the_pod_s_problem_is_told(
    cluster: Callable[..., Path],
) -> None:
    folder = cluster(said("problem", where="b", what="its signature does not fit", remedy="another"), code=1)
    assert problem(from_prod("--yes")) == "b: its signature does not fit\n  → another"
    assert calls(folder)[-1].startswith("delete secret")
    assert len(made(folder)) == 2, "nothing is swapped"


def test_a_ctrl_c_ends_the_job_and_takes_the_keys_away(
    cluster: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cluster()

    def interrupted(_job: object, _heard: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup_jobs.Job, "result", interrupted)
    answer = from_prod("--yes")
    assert isinstance(answer.exception, UserError)
    assert answer.exception.exit_code == EXIT_INTERRUPTED
    assert [line.split()[:2] for line in calls(folder)[-2:]] == [["delete", "job"], ["delete", "secret"]]


def test_a_job_whose_keys_cannot_be_made_is_taken_back(cluster: Callable[..., Path]) -> None:
    folder = cluster(refused="Secret")
    assert "no Secret" in problem(from_prod("--yes"))
    assert [line.split()[:2] for line in calls(folder)[-2:]] == [["delete", "secret"], ["delete", "job"]]
    assert not [line for line in calls(folder) if line.startswith("patch")]


def test_a_time_is_one_of_the_other_stack_s_time_zone(cluster: Callable[..., Path]) -> None:
    folder = cluster()
    from_prod("--at", "2026-11-28T03:00", "--into", "looked_at", "--tables", "a,b")
    assert container(made(folder)[0])["args"] == [
        *("restore", "--at", "2026-11-28T03:00:00+09:00", "--mask", "--jobs", "4"),
        *("--into", "looked_at", "--tables", "a,b"),
    ]


def test_without_yes_the_question_names_both_stacks_and_nothing_starts(cluster: Callable[..., Path]) -> None:
    folder = cluster()
    assert problem(from_prod()).startswith(
        f"slipway restore: puts the newest backup of {SOURCE}, with personal data masked, in the place of "
        f"the live database of {TARGET}"
    )
    assert not (folder / "calls").exists()


def test_a_store_in_the_same_cluster_is_read_as_its_reader_with_its_own_authority(
    cluster: Callable[..., Path], stacks_of: dict[str, Settings]
) -> None:
    folder = cluster()
    stacks_of[SOURCE] = settings(SOURCE, backups={"enabled": True, "bucket": "b-1"})
    stacks_of[TARGET] = settings(TARGET, cluster=stacks_of[SOURCE].cluster.model_dump())
    from_prod("--into", "looked_at")
    job, secret = made(folder)
    host = render.store_host(stacks_of[SOURCE])
    assert secret["stringData"]["AWS_ACCESS_KEY_ID"] == "reader"
    assert secret["stringData"]["AWS_SECRET_ACCESS_KEY"] == backup_keys.user_secret(KEY, User.READER)
    certificate = backup_keys.store_certificate(KEY, host).certificate
    assert secret["stringData"][render.AUTHORITY] == certificate
    told = {entry["name"]: entry.get("value") for entry in container(job)["env"]}
    assert told["BACKUP_CA_FILE"] == f"{render.KEYS}/{render.AUTHORITY}"


def test_a_bucket_made_at_aws_is_read_with_the_key_that_the_other_stack_s_pods_have(
    cluster: Callable[..., Path], stacks_of: dict[str, Settings]
) -> None:
    folder = cluster()
    store = {"kind": "aws", "region": "ap-northeast-2"}
    stacks_of[SOURCE] = settings(SOURCE, backups={"enabled": True, "bucket": "b-1", "store": store})
    from_prod("--into", "looked_at")
    data = made(folder)[1]["stringData"]
    assert [data[name] for name in KEYS] == list(KEYS)
