"""A cluster under test and the workload that runs on it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import yaml

from infra.images import Catalogue, Image, reference
from infra.progress import Progress
from infra.sandbox import cluster as sandbox
from infra.sandbox import images, parts
from infra.sandbox.config import SandboxConfig
from infra.sandbox.tools import tool

NAMESPACE = "box"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@dataclass
class Cluster:
    """A cluster under test. ``namespace``: kubectl's, if any."""

    config: SandboxConfig
    namespace: str = NAMESPACE

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """The finished command, in the workload's namespace."""
        command = [str(tool("kubectl")), f"--kubeconfig={self.config.kubeconfig}", "--request-timeout=20s"]
        where = [f"--namespace={self.namespace}"] if self.namespace else []
        command += [f"--cache-dir={self.config.run / 'discovery'}", *where, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=90)

    def said(self, *arguments: str, stdin: str | None = None) -> str:
        """Its standard output; the test fails with its error when it fails."""
        done = self.kubectl(*arguments, stdin=stdin)
        assert done.returncode == 0, f"{done.args}\n{done.stderr}"
        return done.stdout

    def inside(self, script: str, seconds: float = 20) -> subprocess.CompletedProcess[str]:
        """A bash script run in the workload's pod."""
        return self.kubectl("exec", "deployment/box", "--", "timeout", str(seconds), "bash", "-c", script)

    def up(self) -> None:
        sandbox.up(self.config, Progress(quiet=True))

    def down(self, *, keep_data: bool = False) -> None:
        sandbox.down(self.config, Progress(quiet=True), keep_data=keep_data)

    def pids(self) -> dict[str, int]:
        """Part → pid of those that run."""
        records = {name: parts.running(self.config, name) for name in sandbox.PARTS}
        return {name: record.pid for name, record in records.items() if record}

    def pod(self) -> dict[str, Any]:
        """The workload's pod."""
        items = json.loads(self.said("get", "pods", "--selector=app=box", "--output=json"))["items"]
        assert len(items) == 1, [item["metadata"]["name"] for item in items]
        found: dict[str, Any] = items[0]
        return found

    def deploy(self) -> None:
        """Apply the workload and wait until it is ready."""
        images.load(self.config, Progress(quiet=True), [Image.REDIS])
        self.said("apply", "--filename=-", stdin=yaml.safe_dump_all(workload()))
        self.ready()

    def ready(self) -> None:
        self.said("rollout", "status", "deployment/box", "--timeout=60s")


def workload() -> list[dict[str, Any]]:
    """Redis under the restricted profile on a volume of the default class."""
    labels = {"app": "box"}
    deployment = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": _pod()},
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}
    service = {"selector": labels, "ports": [{"port": 6379}]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "box"}, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "box"}, "spec": service},
    ]


def _pod() -> dict[str, Any]:
    container = {
        "name": "box",
        "image": reference(Image.REDIS, Catalogue.SANDBOX),
        "command": ["redis-server", "--dir", "/data", "--appendonly", "yes", "--protected-mode", "no"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "readinessProbe": {"exec": {"command": ["redis-cli", "ping"]}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": 999,
        "runAsGroup": 999,
        "fsGroup": 999,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 2,
        "securityContext": security,
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
