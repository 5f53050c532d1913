"""AWS on loopback (moto's server), and a stack of the project on it, by the real engine and our plugin."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import pulumi
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from infra.components.aws.account import provider
from infra.components.aws.arguments import Account, BucketArguments
from infra.components.aws.bucket import BackupBucket
from infra.components.base import Context
from infra.paths import ROOT
from infra.render.backups import OBJECT_ACTIONS
from infra.sandbox.tools import tool
from tests.live.provider.engine import Engine, Outcome, Program

PLUGIN = ROOT / "infra" / "sandbox" / "providers" / "bin"
REGION = "eu-central-1"
STACK = "uvis-prod"
EVERYBODY = tuple(OBJECT_ACTIONS)
KEY = {"aws_access_key_id": "looking", "aws_secret_access_key": "on"}


@dataclass(frozen=True)
class Moto:
    """A moto server, and boto3 on it."""

    url: str

    def client(self, service: str, region: str = REGION, **credentials: str) -> Any:
        """A client with these credentials, or with the test's own."""
        quickly = Config(retries={"max_attempts": 1}, proxies={}, s3={"addressing_style": "path"})
        chosen = credentials or KEY
        return boto3.session.Session().client(
            service, endpoint_url=self.url, region_name=region, config=quickly, **chosen
        )

    def enforce(self) -> None:
        """From now on a key may do what its user's policies say, and nothing else."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0", trust_env=False).raise_for_status()

    def allow_all(self) -> None:
        """As at the beginning: every key may do everything."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"inf", trust_env=False).raise_for_status()

    def reset(self) -> None:
        """Forget everything."""
        httpx.post(f"{self.url}/moto-api/reset", trust_env=False).raise_for_status()


@dataclass
class World:
    """A stack with the backups' bucket, and the AWS that it is on."""

    engine: Engine
    moto: Moto
    arguments: BucketArguments

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.arguments.bucket

    def program(self, **changes: Any) -> Program:
        """The project's component; its outputs are exported as the stack's."""
        arguments = replace(self.arguments, **changes)

        def run() -> None:
            opts = pulumi.ResourceOptions(providers={"aws": provider(Account(REGION, self.moto.url))})
            made = BackupBucket("backups", Context(STACK, "unused"), arguments, opts)
            pulumi.export("bucket", made.bucket)
            pulumi.export(
                "keys", {user: {"id": key.id, "secret": key.secret} for user, key in made.keys.items()}
            )

        return run

    def up(self, *flags: str, **changes: Any) -> Outcome:
        """``pulumi up``."""
        return self.engine.up(self.program(**changes), *flags)

    def preview(self, *flags: str, **changes: Any) -> Outcome:
        """``pulumi preview``."""
        return self.engine.preview(self.program(**changes), *flags)

    def keys(self) -> dict[str, dict[str, str]]:
        """The users' access keys, secrets in the clear: for clients only, never for output."""
        keys: dict[str, dict[str, str]] = self.engine.outputs()["keys"]
        return keys

    def s3_as(self, user: str) -> Any:
        """S3 with the key that the stack made for a user."""
        key = self.keys()[user]
        return self.moto.client("s3", aws_access_key_id=key["id"], aws_secret_access_key=key["secret"])


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """A moto server on a free port of this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Moto(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The engine's environment: our plugin on PATH, a backend of its own, and nothing of the user's AWS."""
    home = tmp_path_factory.mktemp("pulumi")
    (home / "state").mkdir()
    folders = [PLUGIN, ROOT / ".venv" / "bin", tool("pulumi").parent, tool("pulumi-language-python").parent]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "AWS_"))}
    return kept | {
        "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
        "VIRTUAL_ENV": str(ROOT / ".venv"),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "aws",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log
        "NO_COLOR": "1",
    }


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Callable[[], Engine]:
    """``stack()``: a fresh, empty stack."""

    def make() -> Engine:
        engine = Engine(tmp_path_factory.mktemp("stack"), environment, f"{STACK}-{uuid.uuid4().hex[:6]}")
        engine.start()
        return engine

    return make


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], moto: Moto) -> World:
    """A stack with its bucket up, for the module; the server forgets what was there before."""
    moto.reset()
    moto.allow_all()
    engine = Engine(tmp_path_factory.mktemp("stack"), environment, STACK)
    engine.start()
    made = World(engine, moto, BucketArguments(f"backups-{uuid.uuid4().hex[:8]}", users=EVERYBODY))
    outcome = made.up()
    assert outcome.ok, outcome.text
    return made


def readable(folder: Path, *values: str) -> list[str]:
    """The files below a folder in which one of the values can be read."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(v in path.read_text("utf-8", "replace") for v in values)]


def emptied(s3: Any, bucket: str) -> None:
    """Take every version of every object out of a bucket."""
    found = s3.list_object_versions(Bucket=bucket)
    for version in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]:
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
