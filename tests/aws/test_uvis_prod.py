"""The stack uvis-prod itself, by its own file and the whole program: what it has at AWS, on a moto server.

There is no cluster for it here, so the engine is pointed at the resources at AWS alone (``--target``). The
secrets are sealed anew, with the key of the file's own secrets provider, which moto holds too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from infra.engine.sealing import Bench, new_value
from infra.paths import ROOT
from infra.render import backups
from infra.render.backup_keys import User
from infra.settings import layers
from infra.settings.secrets import SecretName
from tests.aws.conftest import Moto, emptied, readable

pytestmark = [pytest.mark.integration, pytest.mark.slow]
STACK, REGION, BUCKET = "uvis-prod", "ap-northeast-2", "uvis-backups"
ARN = f"arn:aws:s3:::{BUCKET}"
FILE = ROOT / "stacks" / f"Pulumi.{STACK}.yaml"
URN = f"urn:pulumi:{STACK}::slipway::"
AT_AWS = (f"{URN}pulumi:providers:aws::aws", f"{URN}slipway:index:BackupBucket**")
ADMIN = {"AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": "admins-own", "AWS_REGION": REGION}
UNATTENDED = ("--yes", "--skip-preview")
LASTING = {"pulumi:pulumi:Stack", "pulumi:providers:kubernetes"}  # the engine makes every provider
BACKUP = f"{STACK}/2026-11-20/database.dump"


@dataclass(frozen=True)
class Answer:
    """How a command of the engine ended, and what it said."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Uvis:
    """The stack on a backend of its own, its secrets' values, and the AWS that it is on."""

    bench: Bench
    environment: dict[str, str] = field(repr=False)
    moto: Moto
    values: dict[SecretName, str] = field(repr=False)

    def run(self, verb: str, *flags: str) -> Answer:
        """``pulumi VERB`` for what is at AWS."""
        targets = [part for urn in AT_AWS for part in ("--target", urn)]
        return self.pulumi(verb, "--config-file", str(self.bench.file), *targets, *flags)

    def pulumi(self, *arguments: str, folder: Path = ROOT) -> Answer:
        """The real command, on the real project."""
        command = ["pulumi", *arguments, "--stack", STACK, "--non-interactive", "--color=never"]
        done = subprocess.run(
            command, cwd=folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return Answer(done.returncode == 0, done.stdout + done.stderr)

    def state(self) -> list[dict[str, Any]]:
        """The resources of the state, secrets in the clear: never to be printed."""
        exported = self.pulumi("stack", "export", "--show-secrets", folder=self.bench.folder)
        found: list[dict[str, Any]] = json.loads(exported.text)["deployment"].get("resources", [])
        return found

    def client(self, service: str) -> Any:
        return self.moto.client(service, REGION)


def bench(folder: Path, variables: dict[str, str]) -> Bench:
    """The stack's own file without what only the team's own key can read, ready to be sealed anew."""
    own = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    del own["encryptedkey"], own["config"]["slipway:secrets"]
    return Bench(folder, STACK, own["secretsprovider"], variables, yaml.safe_dump(own))


def sealed(bench: Bench) -> dict[SecretName, str]:
    """New values for the stack's secrets, put into its file as `slipway init` does."""
    own = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    values = {SecretName(name): new_value() for name in own["config"]["slipway:secrets"]}
    for name, value in values.items():
        bench.seal(name, value)
    return values


@pytest.fixture(scope="module")
def uvis(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], moto: Moto) -> Uvis:
    """The stack with what it has at AWS."""
    moto.reset()
    moto.allow_all()
    kms = moto.client("kms", REGION)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/slipway-{STACK}", TargetKeyId=key)
    at_aws = {**ADMIN, "AWS_ENDPOINT_URL": moto.url}
    made = bench(tmp_path_factory.mktemp("uvis") / "bench", at_aws)
    made.open()
    shutil.copytree(ROOT / "stacks" / "profiles", made.file.parent / "profiles")
    own = {
        "PULUMI_BACKEND_URL": f"file://{made.folder / 'backend'}",
        "PULUMI_HOME": str(made.folder / "home"),
        "SLIPWAY_STACKS": str(made.file.parent),
        "XDG_STATE_HOME": str(made.folder),
        # Of a sandbox that is not there: our plugin lets the provider through, and can reach nothing.
        "KUBECONFIG": str(made.folder / "slipway" / "sandbox" / "none" / "kubeconfig"),
    }
    others = {name: value for name, value in environment.items() if name != "PULUMI_CONFIG_PASSPHRASE"}
    stack = Uvis(made, others | at_aws | own, moto, sealed(made))
    up = stack.run("up", *UNATTENDED)
    assert up.ok, up.text
    return stack


@pytest.fixture
def s3(uvis: Uvis) -> Any:
    return uvis.client("s3")


def test_the_bucket_is_in_its_region_encrypted_and_versioned(s3: Any) -> None:
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == REGION
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"


def test_nobody_comes_from_the_public_or_without_tls(s3: Any) -> None:
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert len(block) == 4
    assert all(block.values())
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [ARN, f"{ARN}/*"]


def test_s3_removes_the_remains_and_no_backup(s3: Any) -> None:
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert (rule["Status"], rule["Filter"]) == ("Enabled", {"Prefix": ""})
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
    assert rule["Expiration"] == {"ExpiredObjectDeleteMarker": True}


def test_versions_are_locked_for_as_long_as_the_stack_says(s3: Any) -> None:
    days = layers.draft(STACK)["backups"]["store"].get("object_lock_days")
    if days:
        lock = s3.get_object_lock_configuration(Bucket=BUCKET)["ObjectLockConfiguration"]
        kept = lock["Rule"]["DefaultRetention"]
        assert (kept["Mode"], kept["Days"]) == (backups.LOCK_MODE, days)
    else:
        with pytest.raises(ClientError, match="ObjectLockConfigurationNotFound"):
            s3.get_object_lock_configuration(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("user", "puts", "deletes"),
    [
        (User.WRITER, [f"{ARN}/{STACK}/*"], []),
        (User.KEEPER, [], [f"{ARN}/{STACK}/*"]),
        (User.READER, [f"{ARN}/{STACK}/drills/*"], []),
    ],
)
def test_a_user_may_do_its_task_and_nothing_else(
    uvis: Uvis, user: User, puts: list[str], deletes: list[str]
) -> None:
    iam, name = uvis.client("iam"), f"{STACK}-backup-{user}"
    (attached,) = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    arn = attached["PolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert document["Statement"] == backups.statements(user, ARN, STACK)
    granted = {(action, each["Resource"]) for each in document["Statement"] for action in each["Action"]}
    assert [where for action, where in granted if action == "s3:PutObject"] == puts
    assert [where for action, where in granted if action == "s3:DeleteObject"] == deletes
    assert len(iam.list_access_keys(UserName=name)["AccessKeyMetadata"]) == 1


def test_nothing_but_what_is_at_aws_was_made(uvis: Uvis) -> None:
    types = {resource["type"] for resource in uvis.state()}
    others = {name for name in types if not name.startswith("aws:")}
    assert others == {*LASTING, "pulumi:providers:aws", "slipway:index:BackupBucket"}


def test_a_second_preview_has_no_changes(uvis: Uvis) -> None:
    again = uvis.run("preview", "--expect-no-changes")
    assert again.ok, again.text


def test_what_a_hand_weakened_is_mended(uvis: Uvis, s3: Any) -> None:
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    uvis.client("iam").detach_user_policy(
        UserName=f"{STACK}-backup-writer",
        PolicyArn=f"arn:aws:iam::123456789012:policy/slipway/{STACK}-backup-writer",
    )
    mended = uvis.run("up", "--refresh", *UNATTENDED)
    assert mended.ok, mended.text
    assert s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    attached = uvis.client("iam").list_attached_user_policies(UserName=f"{STACK}-backup-writer")
    assert len(attached["AttachedPolicies"]) == 1


def test_no_secret_can_be_read_in_the_state(uvis: Uvis) -> None:
    issued = [each["outputs"]["secret"] for each in uvis.state() if each["type"].endswith(":AccessKey")]
    assert len(issued) == 3
    backend = uvis.bench.folder / "backend"
    assert readable(backend, BUCKET), "the state was looked for in the wrong place"
    assert readable(backend, *uvis.values.values(), *map(str, issued)) == []


def test_destroy_is_refused_while_a_backup_exists_and_works_afterwards(uvis: Uvis, s3: Any) -> None:
    policy = s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    s3.delete_bucket_policy(Bucket=BUCKET)  # moto heeds no condition: it would refuse us too
    s3.put_object(Bucket=BUCKET, Key=BACKUP, Body=b"1")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    refused = uvis.run("destroy", *UNATTENDED)
    assert not refused.ok
    assert f"bucket {BUCKET}: is not empty: it holds 1 object version" in refused.text
    assert s3.get_bucket_policy(Bucket=BUCKET)["Policy"] == policy, "what protects the backups stays"

    s3.delete_bucket_policy(Bucket=BUCKET)
    emptied(s3, BUCKET)
    gone = uvis.run("destroy", *UNATTENDED)
    assert gone.ok, gone.text
    assert {resource["type"] for resource in uvis.state()} == LASTING
    assert s3.list_buckets()["Buckets"] == []
    iam = uvis.client("iam")
    assert iam.list_users()["Users"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
