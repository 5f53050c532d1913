"""The conformance suite's world: a plugin, a cluster, a namespace and a stack of its own for each module.

SLIPWAY_CONFORMANCE_PLUGIN: a folder with the pulumi-resource-kubernetes to test (ours by default);
SLIPWAY_CONFORMANCE_KUBECONFIG: the cluster (the sandbox by default);
SLIPWAY_CONFORMANCE_IMAGE: an image with bash that its nodes have or can pull.
"""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from infra.images import Catalogue, Image, reference
from infra.paths import ROOT
from infra.sandbox.config import resolve
from infra.sandbox.tools import tool
from tests.live.provider.engine import Engine, Outcome, Program

OURS = ROOT / "infra" / "sandbox" / "providers" / "bin"
PLUGIN = Path(os.environ.get("SLIPWAY_CONFORMANCE_PLUGIN") or OURS)
Declare = Callable[[pulumi.ResourceOptions], None]


@dataclass
class Kube:
    """kubectl on the cluster, in one namespace."""

    kubeconfig: str
    namespace: str

    def __call__(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Standard output of ``kubectl <arguments>``."""
        command = [str(tool("kubectl")), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]
        answer = subprocess.run(
            [*command, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=120
        )
        assert not check or answer.returncode == 0, f"{arguments}: {answer.stderr}"
        return answer.stdout

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """A live object; empty if there is none."""
        text = self("get", kind, name, "--output=json", "--ignore-not-found")
        found: dict[str, Any] = json.loads(text) if text.strip() else {}
        return found


@dataclass
class World:
    """A stack, and the namespace its resources go into."""

    engine: Engine
    kube: Kube
    image: str
    settings: dict[str, Any]

    @property
    def namespace(self) -> str:
        """The namespace of this module."""
        return self.kube.namespace

    def program(self, declare: Declare) -> Program:
        """A program with a provider resource for the cluster, then what ``declare`` declares with it."""

        def run() -> None:
            provider = k8s.Provider(
                "cluster", kubeconfig=self.kube.kubeconfig, namespace=self.namespace, **self.settings
            )
            declare(pulumi.ResourceOptions(provider=provider))

        return run

    def up(self, declare: Declare, *flags: str) -> Outcome:
        """``pulumi up`` of the declared resources."""
        return self.engine.up(self.program(declare), *flags)

    def preview(self, declare: Declare, *flags: str) -> Outcome:
        """``pulumi preview`` of the declared resources."""
        return self.engine.preview(self.program(declare), *flags)


def pytest_report_header() -> str:
    """Which plugin is tested."""
    left_out = "" if PLUGIN == OURS else "; the cases of what only ours does are deselected"
    return f"provider plugin: {PLUGIN}{left_out}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases that ask for ``ours_alone`` when another plugin is tested."""
    if PLUGIN == OURS:
        return
    ours = [item for item in items if "ours_alone" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if item not in ours]


@pytest.fixture
def ours_alone() -> None:
    """For a case of what only our plugin does (docs/decisions/0003)."""


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """The cluster's kubeconfig; a cluster that does not answer fails every case with the remedy."""
    path = os.environ.get("SLIPWAY_CONFORMANCE_KUBECONFIG") or str(resolve().kubeconfig)
    command = [str(tool("kubectl")), f"--kubeconfig={path}", "--request-timeout=5s", "get", "--raw=/readyz"]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.fail(f"no cluster answers at {path}; run: slipway sandbox up")
    return path


@pytest.fixture(scope="session")
def image() -> str:
    """An image with bash."""
    return os.environ.get("SLIPWAY_CONFORMANCE_IMAGE") or reference(Image.REDIS, Catalogue.SANDBOX)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The engine's environment: the plugin on PATH, a backend and a home of its own, not the user's."""
    home = tmp_path_factory.mktemp("pulumi")
    (home / "state").mkdir()
    folders = [PLUGIN, ROOT / ".venv" / "bin", tool("pulumi").parent, tool("pulumi-language-python").parent]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "KUBE"))}
    return kept | {
        "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
        "VIRTUAL_ENV": str(ROOT / ".venv"),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "conformance",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="module")
def world(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    kubeconfig: str,
    image: str,
    environment: dict[str, str],
) -> Iterator[World]:
    """A fresh stack and namespace for the module; both are gone afterwards."""
    namespace = f"conformance-{uuid.uuid4().hex[:8]}"
    kube = Kube(kubeconfig, namespace)
    kube("create", "namespace", namespace)
    engine = Engine(tmp_path_factory.mktemp("stack"), environment, f"test-{uuid.uuid4().hex[:8]}")
    engine.start()
    yield World(engine, kube, image, getattr(request.module, "PROVIDER", {}))
    engine.destroy()
    kube("delete", "namespace", namespace, "--wait=false")
