"""metrics-server in a cluster of its own: `kubectl top`, an autoscaler by CPU, its healing, its removal."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest
import yaml

from infra.images import Image
from infra.launch import build_cluster
from infra.progress import Progress
from infra.sandbox import cluster as sandbox
from infra.sandbox import images, metrics, parts
from infra.sandbox.config import SandboxConfig
from infra.sandbox.identities import METRICS
from tests.live.cluster.second import Cluster, workload
from tests.live.facts import eventually
from tests.live.listing import snapshot

pytestmark = pytest.mark.soak
CONFIG = SandboxConfig("slipway-use", 7, metrics=True)
OTHERS = ("slipway", "slipway-dev", "slipway-test")
PATIENCE = 120  # seconds: two looks of metrics-server, two of the autoscaler, a pod


@pytest.fixture(scope="module")
def measured() -> Iterator[Cluster]:
    """Up, with a pod that does nothing but count; removed after the last test, which leaves no trace."""
    found = Cluster(CONFIG)
    found.down()  # what an interrupted run left
    before = snapshot(ignoring=OTHERS)
    build_cluster(CONFIG, Progress())
    found.up()
    try:
        images.load(CONFIG, Progress(quiet=True), [Image.REDIS])
        found.said("apply", "--filename=-", stdin=yaml.safe_dump_all(_busy()))
        found.ready()
        yield found
    finally:
        found.down()
    assert before.changes(snapshot(ignoring=OTHERS)) == {}


def _busy() -> list[dict[str, object]]:
    """The usual workload, without its volume, counting; and an autoscaler over it."""
    namespace, _, deployment, _ = workload()
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    pod["volumes"] = []
    del container["volumeMounts"], container["readinessProbe"]
    container["command"] = ["bash", "-c", "while :; do :; done"]
    container["resources"] = {"requests": {"cpu": "50m"}, "limits": {"cpu": "200m"}}
    target = {"type": "Utilization", "averageUtilization": 50}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "box"},
        "minReplicas": 1,
        "maxReplicas": 2,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "box"},
        "spec": spec,
    }
    return [namespace, deployment, scaler]


def _used(cluster: Cluster) -> bool:
    """Whether `kubectl top pods` has a figure above nothing for the workload."""
    done = cluster.kubectl("top", "pods", "--no-headers")
    return done.returncode == 0 and any(
        line.startswith("box-") and int(line.split()[1].removesuffix("m")) > 0
        for line in done.stdout.splitlines()
    )


def _pid() -> int:
    record = parts.running(CONFIG, METRICS)
    assert record, "metrics-server does not run"
    return record.pid


def test_kubectl_top_tells_what_pods_use(measured: Cluster) -> None:
    eventually(lambda: _used(measured), "kubectl top pods tells the workload's CPU", PATIENCE)


def test_an_autoscaler_by_cpu_adds_a_pod(measured: Cluster) -> None:
    def replicas() -> int:
        said = measured.said("get", "deployment", "box", "--output=json")
        return int(json.loads(said)["spec"]["replicas"])

    eventually(lambda: replicas() == 2, "the autoscaler adds a pod", PATIENCE)


def test_a_killed_metrics_server_is_missed_and_started_again(measured: Cluster) -> None:
    before = _pid()
    os.kill(before, signal.SIGKILL)
    eventually(
        lambda: (
            {part.name for part in sandbox.status(CONFIG) if not part.healthy}
            == {METRICS, metrics.API_SERVICE}
        ),
        "the status names it",
        PATIENCE,
    )
    measured.up()
    assert _pid() != before
    assert [part for part in sandbox.status(CONFIG) if not part.healthy] == []
    eventually(lambda: _used(measured), "kubectl top pods tells the workload's CPU again", PATIENCE)
