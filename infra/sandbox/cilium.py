"""Cilium as the pods' network, which enforces NetworkPolicies: agent and operator as parts of the cluster.

Both run unmodified in the cluster's network namespace, beside kube-proxy (docs/decisions/0034).
"""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.errors import Problem, UserError
from infra.paths import TEMPLATES
from infra.sandbox import cgroups, health, identities, mounts, network, tools
from infra.sandbox.commands import run
from infra.sandbox.config import PodNetwork, SandboxConfig
from infra.sandbox.kubeapi import Object
from infra.sandbox.parts import Part

AGENT, OPERATOR, PLUGIN = tools.POLICY_TOOLS
KUBECONFIG = "cilium"
NAMESPACE = "kube-system"
OPERATOR_PORT = 9234
START = TEMPLATES / "sandbox" / "cilium.sh"
RUNTIME = Path("/var/run/cilium")  # fixed in agent and plugin; the agent sees a folder of the cluster's there
CLANG, BPFTOOL = "clang-19", "bpftool"  # Debian's; the agent looks for `clang`
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOOPBACK = Path("/usr/lib/cni/loopback")
OFF = (
    "auto-direct-node-routes", "bpf-lb-sock", "enable-bandwidth-manager", "enable-endpoint-health-checking",
    "enable-envoy-config", "enable-health-checking", "enable-hubble", "enable-ipv4-masquerade", "enable-ipv6",
    "enable-ipv6-masquerade", "enable-l7-proxy", "kube-proxy-replacement",
)  # fmt: skip
OPERATOR_OFF = (
    "enable-ipv6", "enable-l7-proxy", "enable-lb-ipam", "enable-node-ipam", "kube-proxy-replacement",
    "remove-cilium-node-taints", "set-cilium-node-taints",
)  # fmt: skip


def wanted(config: SandboxConfig) -> bool:
    """Whether the cluster's pods are joined by Cilium."""
    return config.pods is PodNetwork.CILIUM


def problems() -> list[Problem]:
    """What of its tools is not built. Only our own build will do: the agent's programs lie beside it."""
    return [
        Problem(f"tool {name}", "it is not built yet", f"slipway tools build {name}")
        for name in tools.POLICY_TOOLS
        if tools.cached(name) is None
    ]


def rights() -> list[Object]:
    """Anything: both are root on the machine that holds every key of the cluster."""
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"slipway:{KUBECONFIG}"}
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"slipway:{KUBECONFIG}"},
            "roleRef": reference,
            "subjects": [user],
        }
    ]


def agent(config: SandboxConfig) -> Part:
    """In a mount namespace of its own, which templates/sandbox/cilium.sh furnishes."""
    program, mine = _built(AGENT), identities.kubeconfig_file(config, KUBECONFIG)
    private = ("unshare", "--mount", "--propagation", "slave", "--", "sh", str(START), str(_run(config)))
    return Part(
        AGENT,
        (*private, str(program), *_flags(_agent_options(config, mine), OFF)),
        health=lambda: agent_amiss(config),
        files=(START, mine),
        environment={"PATH": f"{_lib(config) / 'bin'}:{SYSTEM_PATH}", "K8S_NODE_NAME": config.node_name},
        before=lambda: _furnish(config),
        program=program,
    )


def operator(config: SandboxConfig) -> Part:
    """Makes Cilium's own kinds in the API server, and clears away what no pod uses."""
    mine = identities.kubeconfig_file(config, KUBECONFIG)
    options = {
        "k8s-kubeconfig-path": mine,
        "k8s-namespace": NAMESPACE,
        "cilium-pod-namespace": NAMESPACE,
        "cluster-name": "default",
        "ipam": "kubernetes",
        "identity-allocation-mode": "crd",
        "operator-api-serve-addr": f"{config.node_address}:{OPERATOR_PORT}",
        "unmanaged-pod-watcher-interval": 0,
    }
    return Part(
        OPERATOR,
        (str(_built(OPERATOR)), *_flags(options, OPERATOR_OFF)),
        health=lambda: health.http_answers(config.node_address, OPERATOR_PORT, "/healthz"),
        files=(mine,),
        environment={"PATH": SYSTEM_PATH, "K8S_NODE_NAME": config.node_name},
    )


PARTS = {OPERATOR: operator, AGENT: agent}  # in the order of their start


def plugins(config: SandboxConfig) -> Path:
    """A folder with the plugin and the loopback one, for containerd: the host's own stays as it is."""
    folder = _lib(config) / "plugins"
    folder.mkdir(parents=True, exist_ok=True)
    for target in (_built(PLUGIN), LOOPBACK):
        _link(folder / target.name, target)
    return folder


def plugin_network(config: SandboxConfig) -> dict[str, object]:
    """The pods' network as containerd's CNI library takes it."""
    log = config.logs / f"{PLUGIN}.log"
    plugin = {"type": PLUGIN, "enable-debug": False, "log-file": str(log)}
    return {"cniVersion": "0.4.0", "name": config.name, "plugins": [plugin]}


def plugin_environment(config: SandboxConfig) -> dict[str, str]:
    """By what the plugin finds this cluster's agent, from containerd's own environment."""
    return {"CILIUM_SOCK": str(_socket(config))}


def agent_amiss(config: SandboxConfig) -> str | None:
    """None when the agent says that all is well, else its own words."""
    connection = health.LocalConnection(_socket(config))
    try:
        connection.request("GET", "/v1/healthz", headers={"brief": "true"})
        answer = json.loads(connection.getresponse().read())["cilium"]
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        return f"{_socket(config)}: {error}"
    finally:
        connection.close()
    return None if answer["state"] == "Ok" else f"{answer['state']}: {answer.get('msg', '')}"


def forget(config: SandboxConfig) -> None:
    """What the agent knows of pods whose network is gone. Raises CommandError for a mount that stays."""
    mounts.unmount_below(_bpf(config))
    for folder in (_bpf(config), _state(config)):
        if folder.exists():
            shutil.rmtree(folder)


def _agent_options(config: SandboxConfig, kubeconfig: Path) -> dict[str, object]:
    version2 = next((point for point, names in cgroups.hierarchies().items() if not names), None)
    return {
        "k8s-kubeconfig-path": kubeconfig,
        "k8s-namespace": NAMESPACE,
        "cluster-name": "default",
        "cluster-id": 0,
        "identity-allocation-mode": "crd",
        "ipam": "kubernetes",
        "routing-mode": "native",
        "ipv4-native-routing-cidr": config.pod_cidr,
        "enable-host-legacy-routing": "true",
        "enable-endpoint-routes": "true",
        "enable-policy": "default",
        "policy-cidr-match-mode": "nodes",  # an ipBlock of the node's address chooses the node
        "devices": network.INNER_LINK,
        "direct-routing-device": network.INNER_LINK,
        "bpf-root": _bpf(config),
        "bpf-map-dynamic-size-ratio": 0.0025,
        "lib-dir": _lib(config),
        **({"cgroup-root": version2} if version2 else {}),
    }


def _flags(options: Mapping[str, object], off: tuple[str, ...]) -> tuple[str, ...]:
    return (*(f"--{name}={value}" for name, value in options.items()), *(f"--{name}=false" for name in off))


def _furnish(config: SandboxConfig) -> None:
    """Folders, the agent's sources of its programs, its compiler by the name it knows, and the file system in
    which programs and maps outlive it: what is enforced stays so while no agent runs."""
    for folder in (RUNTIME, _state(config), _run(config) / "proc", _bpf(config), _lib(config) / "bin"):
        folder.mkdir(parents=True, exist_ok=True)
    sources = _lib(config) / "bpf"
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(_built(AGENT).parent / "bpf", sources)
    # Where it looks after the pods' networks; containerd has them elsewhere.
    _link(_state(config) / "netns", config.run / "containerd" / "io.containerd.grpc.v1.cri" / "netns")
    _link(_lib(config) / "bin" / "clang", Path(shutil.which(CLANG, path=SYSTEM_PATH) or CLANG))

    if not any(mount.point == _bpf(config) for mount in mounts.mounts()):
        run("mount", "-t", "bpf", "slipway", str(_bpf(config)))


def _built(name: str) -> Path:
    path = tools.cached(name)
    if path is None:
        raise UserError(problems())
    return path


def _link(path: Path, target: Path) -> None:
    if not path.is_symlink() or path.readlink() != target:
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def _run(config: SandboxConfig) -> Path:
    return config.run / "cilium"


def _state(config: SandboxConfig) -> Path:
    return _run(config) / "state"


def _socket(config: SandboxConfig) -> Path:
    return _state(config) / "cilium.sock"


def _bpf(config: SandboxConfig) -> Path:
    return _run(config) / "bpf"


def _lib(config: SandboxConfig) -> Path:
    return config.state / "cilium"
