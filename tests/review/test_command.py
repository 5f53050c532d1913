"""`slipway review` and `slipway apply` as they are typed: the real command, engine, program and secrets.

No cluster is there: the plugin takes down what it is asked, so that only the look at what runs then fails.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.engine.sealing import Bench, new_value
from infra.paths import ROOT
from infra.sandbox.tools import tool
from infra.settings.secrets import SecretName
from tests.review.previewing import PLUGINS

pytestmark = [pytest.mark.integration, pytest.mark.slow]
STACK = "ledger-staging"
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "review"}
OWN = """\
config:
  slipway:cluster: {context: elsewhere}
  slipway:images: {service: "registry.example/team/service:1.4.2"}
  slipway:modules: [ledger]
  slipway:service: {replicas: 2}
  slipway:monitoring: {enabled: false}
  slipway:logs: {enabled: false}
"""
NEEDED = (
    SecretName.POSTGRES_OWNER_PASSWORD,
    SecretName.POSTGRES_SERVICE_PASSWORD,
    SecretName.REDIS_PASSWORD,
    SecretName.SECRET_KEY,
)


@dataclass(frozen=True)
class Said:
    """What a command wrote on standard output, and on standard error."""

    out: str
    err: str


@dataclass(frozen=True)
class Machine:
    """A folder of stack files and a backend, and the command on them."""

    bench: Bench
    environment: dict[str, str] = field(repr=False)

    def slipway(self, *arguments: str, code: int = 0) -> Said:
        """What the command writes."""
        done = subprocess.run(
            [ROOT / ".venv" / "bin" / "slipway", *arguments],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return Said(done.stdout, done.stderr)

    def change(self, before: str, after: str) -> None:
        """Edit the stack file."""
        text = self.bench.file.read_text(encoding="utf-8")
        assert before in text
        self.bench.file.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The stack ledger-staging with its secrets, and nothing of it up."""
    folder = tmp_path_factory.mktemp("command")
    bench = Bench(folder / "bench", STACK, "passphrase", PASSPHRASE, OWN)
    bench.open()
    for name in NEEDED:
        bench.seal(name, new_value())
    profiles = bench.file.parent / "profiles"
    profiles.mkdir()
    for profile in (ROOT / "stacks" / "profiles").iterdir():
        (profiles / profile.name).write_bytes(profile.read_bytes())
    path = [PLUGINS[0], ROOT / ".venv" / "bin", tool("pulumi").parent, tool("pulumi-language-python").parent]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "KUBE"))}
    mine = {
        **PASSPHRASE,
        "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": f"file://{bench.folder / 'backend'}",
        "PULUMI_HOME": str(bench.folder / "home"),
        "SLIPWAY_STACKS": str(bench.file.parent),
        "XDG_STATE_HOME": str(folder),
        "KUBECONFIG": str(folder / "slipway" / "sandbox" / "none" / "kubeconfig"),
    }
    return Machine(bench, kept | mine)


def digest_of(said: Said) -> str:
    found = re.search(r"--reviewed ([0-9a-f]{32})", said.out)
    assert found, said
    return found[1]


def test_from_nothing_to_applied_and_never_otherwise_than_reviewed(machine: Machine) -> None:
    said = machine.slipway("review", STACK, "--save")
    assert said.out.startswith(f"{STACK}: 26 changes, nothing to acknowledge\n")
    first = digest_of(said)
    kept = Path(machine.environment["XDG_STATE_HOME"]) / "slipway" / "reviews" / f"{STACK}-{first}.json"
    assert f"saved: {kept}" in said.err

    machine.change("replicas: 2", "replicas: 1")
    refused = machine.slipway("apply", STACK, "--reviewed", first, code=1)
    assert "the plan has changed since it was reviewed; nothing was applied" in refused.err
    assert "reviewed was: service: Deployment service is new: 2 replicas" in refused.err
    assert "26 changes" in machine.slipway("review", STACK).out, "nothing was made"

    machine.change("replicas: 1", "replicas: 2")
    applied = machine.slipway("apply", STACK, "--reviewed", first, code=1)
    assert f"cluster of {STACK}" in applied.err, "all that fails is the look at what runs"
    assert machine.slipway("review", STACK, "--format", "markdown").out == ""
    assert machine.slipway("review", STACK).out == f"{STACK}: no changes\n"

    again = machine.slipway("apply", STACK, "--reviewed", first, code=1)
    assert "was reviewed, and would not happen now: " in again.err


def test_a_secret_set_anew_between_review_and_apply_is_refused(machine: Machine) -> None:
    machine.change("service:1.4.2", "service:1.5.0")
    reviewed = digest_of(machine.slipway("review", STACK, "--save"))
    machine.bench.seal(SecretName.REDIS_PASSWORD, new_value())
    refused = machine.slipway("apply", STACK, "--reviewed", reviewed, code=1)
    assert "slipway:secrets.redisPassword: this secret of the stack file is not the one" in refused.err
