"""A change of the service through the rendered pipeline to the sandbox: built, planned, applied, served.

act runs the jobs; the slipway, the engine, the cluster are real, and moto keeps the state and the key.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from moto.server import ThreadedMotoServer

from infra.images import Catalogue, Image, local_reference, reference
from infra.paths import ROOT
from infra.progress import Progress
from infra.sandbox import images, tools
from infra.sandbox.config import SandboxConfig
from tests.aws.conftest import Moto
from tests.infra.onboarding.conftest import ANSWERS
from tests.pipelines.acting import LABELS, OWNER, Ran, Repository

pytestmark = pytest.mark.soak
STACK, NODE_PORT, REGION = "lighthouse-dev", 30193, "us-east-1"
KEY = f"awskms://alias/slipway-test?region={REGION}"
STATE = f"s3://lighthouse-state?region={REGION}&s3ForcePathStyle=true"
NODE = SandboxConfig()
PLUGIN = ROOT / "infra" / "sandbox" / "providers" / "bin" / "pulumi-resource-kubernetes"
UNNAMED = ("docker.io", "library")  # the host and folder that an image's name without any stands for
SERVED_SECONDS = 60.0  # from the end of the last job until the new version answers


@dataclass
class Piped:
    """The repository, and the machine's AWS."""

    repository: Repository
    aws: dict[str, str]

    @property
    def file(self) -> Path:
        return self.repository.folder / "stacks" / f"Pulumi.{STACK}.yaml"

    def job(self, name: str, event: str, workflow: str, *options: str, **payload: object) -> float:
        """Seconds that the jobs of a workflow took, the named one being the last."""
        begun = time.monotonic()
        ran: Ran = self.repository.act(event, workflow, *options, payload=payload, **self.aws)
        assert (ran.code, ran.ended(name)) == (0, "succeeded"), ran.said
        return time.monotonic() - begun

    def version(self) -> str:
        """Which image answers."""
        answer = httpx.get(f"http://{NODE.node_address}:{NODE_PORT}/health", timeout=10)
        answer.raise_for_status()
        return str(answer.json()["version"])


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """A key service and a bucket on loopback, as the environment of who uses them."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    moto = Moto(f"http://127.0.0.1:{server.get_host_and_port()[1]}")
    key = moto.client("kms", REGION).create_key()["KeyMetadata"]["KeyId"]
    moto.client("kms", REGION).create_alias(AliasName="alias/slipway-test", TargetKeyId=key)
    moto.client("s3", REGION).create_bucket(Bucket="lighthouse-state")
    mine = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
    yield {**mine, "AWS_ENDPOINT_URL_KMS": moto.url, "AWS_ENDPOINT_URL_S3": moto.url}
    server.stop()


@pytest.fixture(scope="module")
def piped(aws: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Piped]:
    scratch = tmp_path_factory.mktemp("piped")
    images.ensure([Image.SERVICE], NODE, Progress(quiet=True))
    repository = Repository.make(scratch, STACK, stack_file(scratch / "init", aws))
    pulumi, plugin = (scratch / "tools" / name for name in ("pulumi", PLUGIN.name))
    pulumi.symlink_to(tools.tool("pulumi"))
    plugin.symlink_to(PLUGIN)
    run([pulumi, "stack", "init", STACK, "--no-select", "--secrets-provider", KEY], repository.folder, aws)
    made = Piped(repository, aws)
    with pulled(Image.POSTGRES, public(Image.POSTGRES)), pulled(Image.REDIS, public(Image.REDIS)):
        try:
            yield made
        finally:
            path = f"{plugin.parent}{os.pathsep}{os.environ['PATH']}"
            slipway(made.file.parent, {**aws, "PATH": path}, "down", STACK)


def stack_file(folder: Path, aws: dict[str, str]) -> str:
    """What `slipway init` writes for development, sealed by the key service, run beside the sandbox."""
    folder.mkdir()
    slipway(folder, aws, "init", "--answers", str(ANSWERS), "--secrets-provider", KEY)
    own = yaml.safe_load((folder / f"Pulumi.{STACK}.yaml").read_text())
    own["config"] |= {
        "slipway:cluster": {"kubeconfig": str(NODE.kubeconfig), "context": NODE.name},
        "slipway:images": {"service": local_reference(Image.SERVICE)},
        "slipway:service": {"type": "NodePort", "node_port": NODE_PORT},
        "slipway:pipelines": {
            "provider": "github",
            "repository": OWNER,
            "registry": f"ghcr.io/{OWNER}",
            "state": STATE,
            "runner": list(LABELS),
        },
    }
    return yaml.safe_dump(own, sort_keys=False)


def slipway(stacks: Path, aws: dict[str, str], *arguments: str) -> None:
    """The command as a job has it, without act."""
    run([ROOT / ".venv" / "bin" / "slipway", "--stacks", stacks, *arguments], ROOT, aws)


def run(command: list[str | Path], folder: Path, aws: dict[str, str]) -> None:
    variables = {**os.environ, **aws, "PULUMI_BACKEND_URL": STATE}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def public(image: Image) -> str:
    """The name that registries have it by."""
    return "/".join((*UNNAMED, reference(image, Catalogue.PUBLIC)))


@contextmanager
def pulled(image: Image, name: str) -> Iterator[None]:
    """The sandbox's image by another name, as if the node had pulled it."""
    ctr("tag", local_reference(image), name)
    try:
        yield
    finally:
        ctr("remove", name)


def ctr(*arguments: str) -> str:
    command = f"ctr --address {NODE.containerd_socket} --namespace k8s.io images".split()
    return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout


def test_a_change_of_the_service_is_built_planned_applied_and_served(piped: Piped) -> None:
    first = piped.job(f"Apply {STACK}", "push", "apply")
    print(f"from nothing: {first:.0f} s")
    before = piped.version()
    change = piped.repository.folder / "app" / "main.py"
    change.write_text(change.read_text() + "\n# as of now\n")
    after = local_reference(Image.SERVICE, piped.repository.folder)
    piped.file.write_text(piped.file.read_text().replace(local_reference(Image.SERVICE), after))
    piped.repository.commit_all("Change the service")
    begun = time.monotonic()
    built = piped.job("Build and scan", "pull_request", "build", **piped.repository.pull_request())
    images.load(NODE, Progress(quiet=True), [Image.SERVICE], piped.repository.folder)  # push and pull
    applied = piped.job(f"Apply {STACK}", "push", "apply")
    while (now := piped.version()) == before:
        assert time.monotonic() - begun < built + applied + SERVED_SECONDS, "the new version never answered"
        time.sleep(0.2)
    print(f"a change: built {built:.0f} s, planned and applied {applied:.0f} s, "
          f"served after {time.monotonic() - begun:.0f} s")  # fmt: skip
    assert (before, now) == (local_reference(Image.SERVICE).rpartition(":")[2], after.rpartition(":")[2])


def test_a_release_by_hand_is_rolled_out_recorded_and_taken_back(piped: Piped) -> None:
    """By digest, as the build's summary names the image."""
    (row,) = ctr("list", f"name=={local_reference(Image.SERVICE)}").splitlines()[1:]
    name = f"{local_reference(Image.SERVICE).rpartition(':')[0]}@{row.split()[2]}"
    bare, led = piped.repository.serve()
    by_hand = Piped(piped.repository, {**piped.aws, "GIT_CONFIG_GLOBAL": str(led)})
    token, before = ("--secret", "GITHUB_TOKEN=of-the-job"), piped.version()
    with pulled(Image.SERVICE, name):
        for action, image in (("release", name), ("rollback", "")):
            asked = {"stack": STACK, "action": action, "image": image, "to": ""}
            took = by_hand.job("Record", "workflow_dispatch", "release", *token, inputs=asked)
            print(f"{action}: {took:.0f} s, now {piped.version()}")
            assert (piped.version() == before) is (action == "rollback")
            run(["git", "pull", "--quiet", bare, "main"], piped.repository.folder, {})
            assert yaml.safe_load(piped.file.read_text())["config"]["slipway:released"]["number"]
