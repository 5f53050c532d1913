"""Which version a binary of tools.py says that it is of, and the one that is wanted."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra import versions

SECONDS = 20.0  # a version command that takes longer is not one
KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
CILIUM_PROGRAMS = ("cilium-agent", "cilium-operator", "cilium-cni")
VICTORIALOGS_PROGRAMS = ("victoria-logs", "vlagent")


@dataclass(frozen=True)
class Version:
    """``arguments`` make the program say its version, which ``pattern`` finds in what it says."""

    wanted: str
    arguments: tuple[str, ...]
    pattern: str


_KUBE = Version(versions.KUBERNETES, ("--version",), r"Kubernetes v(\S+)")
# The project's own builds say more around it: the program, the day, the commit.
_LOGS = Version(versions.VICTORIALOGS, ("-version",), r"(?m)^[\w-]+-v(\d+\.\d+\.\d+)(?![\w.])")
VERSIONS: dict[str, Version] = {
    **dict.fromkeys(KUBERNETES_PROGRAMS, _KUBE),
    "kubectl": Version(versions.KUBERNETES, ("version", "--client"), r"Client Version: v(\S+)"),
    "etcd": Version(versions.ETCD, ("--version",), r"etcd Version: (\S+)"),
    "coredns": Version(versions.COREDNS, ("-version",), r"CoreDNS-(\S+)"),
    "pulumi": Version(versions.PULUMI, ("version",), r"v(\d\S*)"),
    "pause": Version(versions.PAUSE, ("-v",), r"pause v(\S+)"),
    "versitygw": Version(versions.VERSITYGW, ("--version",), r"Version\s*: v(\S+)"),
    "kube-state-metrics": Version(
        versions.KUBE_STATE_METRICS, ("version",), r"kube-state-metrics, version v(\S+)"
    ),
    "metrics-server": Version(versions.METRICS_SERVER, ("--version",), r"v(\d+\.\d+\.\d+)"),
    # It says none: one on PATH is never taken.
    "prometheus-adapter": Version(versions.PROMETHEUS_ADAPTER, ("--help",), r"version v(\S+)"),
    "actionlint": Version(versions.ACTIONLINT, ("-version",), r"(?m)^v(\d\S*)"),
    **dict.fromkeys(VICTORIALOGS_PROGRAMS, _LOGS),
    **dict.fromkeys(CILIUM_PROGRAMS, Version(versions.CILIUM, ("--version",), r"(?m)(\d+\.\d+\.\d+)")),
}


@cache
def said(name: str, path: Path) -> str | None:
    """The version of the program ``name`` at ``path``; None where it tells none."""
    known = VERSIONS[name]
    try:
        answer = subprocess.run(
            [path, *known.arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    matched = re.search(known.pattern, answer.stdout + answer.stderr)  # where it is said differs
    return matched[1] if matched else None
