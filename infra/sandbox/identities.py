"""Who the cluster's parts are to each other: their certificates, and the kubeconfig files made of them."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from infra import private
from infra.sandbox import certificates
from infra.sandbox.certificates import Leaf
from infra.sandbox.config import KUBECONFIG_MARK, PodNetwork, SandboxConfig

CLUSTER, ETCD, FRONT_PROXY = "ca", "etcd-ca", "front-proxy-ca"
SIGNING_KEY = "service-account.key"
METRICS = "metrics-server"  # the part, its certificate, its service
ENCRYPTION_KEY = "encryption.key"
KUBECONFIGS = ("controller-manager", "scheduler", "kubelet", "kube-proxy")


def leaves(config: SandboxConfig) -> list[Leaf]:
    """Every certificate of the cluster. Three authorities, so that no client of one passes at another."""
    node, address = config.node_name, config.node_address
    services = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    api_hosts = (*services, "kubernetes.default.svc.cluster.local", "localhost")
    api_addresses = ("127.0.0.1", address, config.api_service_address)
    return [
        Leaf("etcd", ETCD, "etcd", hosts=("localhost", "127.0.0.1")),
        Leaf("apiserver-etcd", ETCD, "kube-apiserver"),
        Leaf("apiserver", CLUSTER, "kube-apiserver", hosts=(*api_hosts, *api_addresses), client=False),
        Leaf("apiserver-kubelet", CLUSTER, "kube-apiserver-kubelet"),
        Leaf("front-proxy", FRONT_PROXY, "front-proxy"),
        Leaf("serving", CLUSTER, "slipway-serving", hosts=(address,), client=False),
        Leaf(
            "kubelet-serving", CLUSTER, f"system:node:{node}", "system:nodes", (address, node), client=False
        ),
        Leaf("kubelet", CLUSTER, f"system:node:{node}", "system:nodes"),
        Leaf("controller-manager", CLUSTER, "system:kube-controller-manager"),
        Leaf("scheduler", CLUSTER, "system:kube-scheduler"),
        Leaf("kube-proxy", CLUSTER, "system:kube-proxy"),
        Leaf("provisioner", CLUSTER, "slipway:provisioner"),
        Leaf("admin", CLUSTER, "slipway:admin", "system:masters"),
        *(Leaf(name, CLUSTER, f"slipway:{name}") for name in _of_the_network(config)),
        *_of_metrics(config),
    ]


def ensure(config: SandboxConfig) -> list[str]:
    """Keys, certificates and kubeconfig files. Returns the names of the certificates written anew."""
    written = certificates.ensure(config.pki, (CLUSTER, ETCD, FRONT_PROXY), leaves(config))
    certificates.ensure_signing_key(config.pki / SIGNING_KEY)
    config.files.mkdir(parents=True, exist_ok=True, mode=0o700)
    metrics = [leaf.name for leaf in _of_metrics(config)]
    for name in (*KUBECONFIGS, *_of_the_network(config), *metrics):
        write_kubeconfig(config, name, kubeconfig_file(config, name))
    write_kubeconfig(config, "admin", config.kubeconfig)
    return written


def _of_the_network(config: SandboxConfig) -> tuple[str, ...]:
    return ("cilium",) if config.pods is PodNetwork.CILIUM else ()


def _of_metrics(config: SandboxConfig) -> list[Leaf]:
    """It serves by the name of its service, by which the API server calls it, and asks by the same key."""
    hosts = (f"{METRICS}.kube-system.svc", config.node_address)
    return [Leaf(METRICS, CLUSTER, f"slipway:{METRICS}", hosts=hosts)] if config.metrics else []


def kubeconfig_file(config: SandboxConfig, name: str) -> Path:
    return config.files / f"{name}.kubeconfig"


def kubeconfig(config: SandboxConfig, leaf: str) -> dict[str, object]:
    """A kubeconfig that speaks to this cluster as ``leaf``, keys inside: it needs no other file."""
    user = f"{config.name}-{leaf}"
    cluster = {
        "server": config.api_url,
        "certificate-authority-data": _encoded(config.pki / f"{CLUSTER}.crt"),
        "extensions": [{"name": KUBECONFIG_MARK, "extension": {"cluster": config.name}}],
    }
    credentials = {
        "client-certificate-data": _encoded(config.pki / f"{leaf}.crt"),
        "client-key-data": _encoded(config.pki / f"{leaf}.key"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": config.name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": config.name, "context": {"cluster": config.name, "user": user}}],
        "current-context": config.name,
    }


def write_kubeconfig(config: SandboxConfig, leaf: str, path: Path) -> None:
    private.write(path, yaml.safe_dump(kubeconfig(config, leaf), sort_keys=False).encode())


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
