"""The node's parts: containerd, kubelet, kube-proxy, our volume provisioner. See also controlplane.py."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra import images, private
from infra.errors import UserError
from infra.paths import ROOT, TEMPLATES
from infra.sandbox import cilium, health, identities, mounts, network, readiness
from infra.sandbox.config import SandboxConfig
from infra.sandbox.identities import CLUSTER
from infra.sandbox.parts import Part
from infra.sandbox.tools import tool

KUBELET, KUBELET_HEALTH, PROXY_HEALTH, PROVISIONER = readiness.KUBELET_PORT, 10248, 10256, 10260
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # not the caller's: it varies
CNI_PLUGINS = Path("/usr/lib/cni")
EVICTION = {"memory.available": "200Mi", "nodefs.available": "1Gi", "nodefs.inodesFree": "1%"}


def containerd(config: SandboxConfig) -> Part:
    """containerd with folders, socket and CNI configuration of the cluster's own."""
    enforcing = cilium.wanted(config)
    networks = "cni-cilium" if enforcing else "cni"  # a folder each: containerd takes the first it finds
    settings = _write(config, "containerd.toml", _template("containerd.toml.j2").render(
        root=str(config.state / "containerd"),
        state=str(config.run / "containerd"),
        socket=str(config.containerd_socket),
        plugins=str(cilium.plugins(config) if enforcing else CNI_PLUGINS),
        networks=str(config.files / networks),
        pause=images.reference(images.Image.PAUSE, images.Catalogue.SANDBOX),
    ))  # fmt: skip
    joined = cilium.plugin_network(config) if enforcing else _pod_network(config)
    conflist = _write(config, f"{networks}/10-slipway.conflist", json.dumps(joined, indent=1))
    return Part(
        "containerd",
        (_debian("containerd"), "--config", str(settings)),
        health=lambda: health.grpc_serves(config.containerd_socket),
        files=(settings, conflist),
        environment={"PATH": SYSTEM_PATH, **(cilium.plugin_environment(config) if enforcing else {})},
        ending=5.0,
    )


def kubelet(config: SandboxConfig) -> Part:
    settings = _write(config, "kubelet.yaml", yaml.safe_dump(_kubelet_configuration(config)))
    resolver = _write(config, "resolv.conf", f"nameserver {config.dns_address}\n")
    mine = identities.kubeconfig_file(config, "kubelet")
    argv = (
        str(tool("kubelet")),
        f"--config={settings}",
        f"--kubeconfig={mine}",
        f"--hostname-override={config.node_name}",
        f"--node-ip={config.node_address}",
        f"--root-dir={config.state / 'kubelet'}",
        f"--cert-dir={config.state / 'kubelet' / 'pki'}",
        "--v=1",
    )
    return Part(
        "kubelet",
        argv,
        health=lambda: health.http_answers(config.node_address, KUBELET_HEALTH, "/healthz"),
        files=(settings, resolver, mine, config.pki / "kubelet-serving.crt"),
        before=lambda: readiness.mark_unready(config),
        environment={"PATH": SYSTEM_PATH},
    )


def kube_proxy(config: SandboxConfig) -> Part:
    """nftables mode, inside the namespace only; kernel-wide connection tracking settings stay as they are."""
    mine = identities.kubeconfig_file(config, "kube-proxy")
    settings = _write(config, "kube-proxy.yaml", yaml.safe_dump({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(mine)},
        "hostnameOverride": config.node_name,
        "clusterCIDR": config.pod_cidr,
        "bindAddress": config.node_address,
        "healthzBindAddress": f"{config.node_address}:{PROXY_HEALTH}",
        "metricsBindAddress": "127.0.0.1:10249",
        "oomScoreAdj": 0,
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
            "udpTimeout": "0s",
            "udpStreamTimeout": "0s",
        },
        "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    }))  # fmt: skip
    return Part(
        "kube-proxy",
        (str(tool("kube-proxy")), f"--config={settings}", "--v=1"),
        health=lambda: health.http_answers(config.node_address, PROXY_HEALTH, "/livez"),
        files=(settings, mine),
        before=lambda: network.drop_hollow_rules(config),
        environment={"PATH": SYSTEM_PATH},
    )


def provisioner(config: SandboxConfig) -> Part:
    """Our own process behind the StorageClass ``local``: see provisioner.py."""
    certificate, key = config.pki / "provisioner.crt", config.pki / "provisioner.key"
    argv = (
        sys.executable, "-m", "infra.sandbox.provisioner",
        "--server", config.api_url,
        "--authority", str(config.pki / f"{CLUSTER}.crt"),
        "--certificate", str(certificate),
        "--key", str(key),
        "--volumes", str(config.volumes),
        "--node", config.node_name,
        "--listen", f"{config.node_address}:{PROVISIONER}",
    )  # fmt: skip
    here = Path(__file__).parent
    return Part(
        "provisioner",
        argv,
        health=lambda: health.http_answers(config.node_address, PROVISIONER, "/healthz"),
        files=(certificate, here / "provisioner.py", here / "kubeapi.py"),
        environment={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def _kubelet_configuration(config: SandboxConfig) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        **_kubelet_serving(config),
        "containerRuntimeEndpoint": f"unix://{config.containerd_socket}",
        "clusterDNS": [config.dns_address],
        "clusterDomain": "cluster.local",
        "resolvConf": str(config.files / "resolv.conf"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{config.cgroup}",
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "featureGates": {"KubeletInUserNamespace": True},  # go on where a kernel parameter cannot be set
        # With it the kubelet has figures of disks and volumes; where it finds none it would not start.
        "localStorageCapacityIsolation": mounts.measurable(config.state),
        "evictionHard": EVICTION,
        "imageGCHighThresholdPercent": 100,  # never: no registry could bring an image back
        "imageGCLowThresholdPercent": 99,
        "makeIPTablesUtilChains": False,
        "maxPods": 110,
        "oomScoreAdj": 0,
        "podLogsDir": str(config.logs / "pods"),
        "containerLogMaxSize": "10Mi",
        "containerLogMaxFiles": 3,
        "registerNode": True,
        "serializeImagePulls": False,
        "syncFrequency": "10s",
        "volumePluginDir": str(config.state / "volume-plugins"),
    }


def _kubelet_serving(config: SandboxConfig) -> dict[str, Any]:
    """Where the kubelet answers, and to whom: certificates that the API server's roles allow."""
    return {
        "address": config.node_address,
        "port": KUBELET,
        "healthzBindAddress": config.node_address,
        "healthzPort": KUBELET_HEALTH,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(config.pki / f"{CLUSTER}.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(config.pki / "kubelet-serving.crt"),
        "tlsPrivateKeyFile": str(config.pki / "kubelet-serving.key"),
    }


def _pod_network(config: SandboxConfig) -> dict[str, Any]:
    """A bridge in the namespace, addresses from the pod range, no masquerading: nothing leaves anyway."""
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": config.pod_cidr}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(config.state / "addresses"),
        },
    }
    return {"cniVersion": "0.4.0", "name": config.name, "plugins": [bridge]}


def _template(name: str) -> Any:
    loader = FileSystemLoader(TEMPLATES / "sandbox")
    return Environment(loader=loader, undefined=StrictUndefined, autoescape=False).get_template(name)  # noqa: S701


def _write(config: SandboxConfig, name: str, content: str) -> Path:
    path = config.files / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private.write(path, content.encode())
    return path


def _debian(program: str) -> str:
    """Path of a program that a Debian package brings; /usr/sbin is not on everybody's PATH."""
    found = shutil.which(program, path=SYSTEM_PATH)
    if found is None:
        raise UserError.of(program, "is not installed", f"apt-get install {program}")
    return found
