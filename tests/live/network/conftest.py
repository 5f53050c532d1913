"""A cluster whose network enforces policies, and on it a pod for every workload of the sandbox stack."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import ranges, versions
from infra.images import Image
from infra.launch import build_cluster
from infra.progress import Progress
from infra.render.network import policies
from infra.sandbox import cilium, images, tools
from infra.sandbox.config import PodNetwork, SandboxConfig
from tests.infra.mocks import built, settings
from tests.infra.network.evaluate import Pod
from tests.infra.network.planned import Plan, plan
from tests.live.cluster.second import Cluster
from tests.live.network import standins

CONFIG = SandboxConfig("slipway-net", 6, PodNetwork.CILIUM)
STRANGERS = (
    *(f"unlabelled pod in {name}" for name in ("sandbox", "sandbox-logs", "strangers")),
    *(f"namesake of {name}" for name in ("service", "prometheus", "alertmanager", "logs-collector")),
)
BUILD = f"slipway tools build {' '.join(tools.POLICY_TOOLS)}"
PROBERS = 6  # pods that try at the same time, on two processors
Attempt = tuple[str, str, int, str]  # source, target, port, protocol
# Cilium takes five minutes to build: without it the last lines say that nothing was tried.
collect_ignore = ["test_policies_live.py"] if cilium.problems() else []
_told = [f"NetworkPolicies were NOT tried live, since Cilium is not built: {BUILD}"] if collect_ignore else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _told:
        terminalreporter.write_line(line)


@dataclass
class Field:
    """The cluster, the plan with its pods' true addresses, and what was found out."""

    cluster: Cluster
    plan: Plan
    dns: Pod
    tried: int = 0
    opened: set[Attempt] = field(default_factory=set)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Standard output of kubectl on this cluster; fails with what it said."""
        return self.cluster.said(*arguments, stdin=stdin)

    def try_all(self, attempts: list[Attempt]) -> set[Attempt]:
        """Those that answered."""
        by_source: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            by_source.setdefault(attempt[0], []).append(attempt)
        with ThreadPoolExecutor(PROBERS) as pool:
            found = pool.map(self._try_from, by_source, by_source.values())
            return {attempt for answered in found for attempt in answered}

    def _try_from(self, source: str, attempts: list[Attempt]) -> list[Attempt]:
        ends = {**self.plan.ends, "name server": self.dns}
        pod = ends[source]
        assert isinstance(pod, Pod)
        numbered = [
            (str(number), ends[target].address, port, protocol)
            for number, (_, target, port, protocol) in enumerate(attempts)
        ]
        command = ["python3", f"{standins.FOLDER}/program.py", "try"]
        said = self.kubectl(
            f"--namespace={pod.namespace}", "exec", "--stdin", standins.name_of(source), "--", *command,
            stdin=json.dumps(numbered),
        )  # fmt: skip
        return [attempts[int(number)] for number in json.loads(said)]


@pytest.fixture(scope="package")
def enforcing() -> Iterator[Cluster]:
    """Up, and removed after the last test."""
    found = Cluster(CONFIG, namespace="")
    found.down()  # what an interrupted run left
    build_cluster(CONFIG, Progress())
    images.ensure([Image.BACKUPS], CONFIG, Progress(quiet=True), stop=threading.Event())
    found.up()
    try:
        images.load(CONFIG, Progress(quiet=True), [Image.BACKUPS])
        yield found
    finally:
        found.down()


@pytest.fixture(scope="package")
def fields(enforcing: Cluster) -> Iterator[Field]:
    """A stand-in for every workload of the sandbox stack, with strangers around, under its policies."""
    own = {"sandbox": True, "name": CONFIG.name, "network": CONFIG.network}
    wanted = settings("sandbox", cluster=own, backups={"pitr": {"enabled": True}})
    planned = plan(wanted, built(wanted))
    made = standins.manifests(planned, STRANGERS)
    rules = [policies.manifest(each, "sandbox") for each in policies.of_stack(wanted, ranges.of(wanted))]
    spaces = [each for each in made if each["kind"] == "Namespace"]
    rest = [each for each in made if each["kind"] != "Namespace"]
    for objects in (spaces, rules, rest):  # policies first, as in a stack
        enforcing.said("apply", "--filename=-", stdin=yaml.safe_dump_all(objects))
    for space in spaces:
        where = f"--namespace={space['metadata']['name']}"
        enforcing.said(where, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=80s")
    pods = [pod for pod in _pods(enforcing) if "stands-in" in pod["metadata"].get("annotations", {})]
    (dns,) = _pods(enforcing, "--selector=k8s-app=kube-dns")
    found = Field(
        enforcing,
        standins.located(planned, pods, CONFIG.node_address),
        Pod("kube-system", {"k8s-app": "kube-dns"}, dns["status"]["podIP"]),
    )
    yield found
    _told.append(
        f"NetworkPolicies were tried live on Cilium {versions.CILIUM}: {found.tried} connections, "
        f"{len(found.opened)} of them declared and open, the others closed"
    )


def _pods(cluster: Cluster, *selecting: str) -> list[dict[str, Any]]:
    said = cluster.said("get", "pods", "--all-namespaces", "--output=json", *selecting)
    items: list[dict[str, Any]] = json.loads(said)["items"]
    return items


def machine() -> dict[str, str]:
    """Kernel parameters that the agent would set for the whole machine, as they are."""
    names = ("kernel/unprivileged_bpf_disabled", "kernel/timer_migration", "net/core/bpf_jit_enable")
    found = {name: Path("/proc/sys", name) for name in names}
    return {name: path.read_text() for name, path in found.items() if path.exists()}


def bpf_mounts() -> list[str]:
    """File systems of BPF objects on this machine."""
    said = subprocess.run(["findmnt", "--noheadings", "--types", "bpf", "--output", "TARGET"],
                          capture_output=True, text=True, check=False).stdout  # fmt: skip
    return said.split()
