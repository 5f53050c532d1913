"""The control plane's four parts: etcd, API server, controller manager, scheduler. See also node.py."""

from __future__ import annotations

from pathlib import Path

import yaml

from infra import private
from infra.sandbox import certificates, health, identities
from infra.sandbox.config import API_PORT, PodNetwork, SandboxConfig
from infra.sandbox.identities import CLUSTER, ETCD, FRONT_PROXY, SIGNING_KEY
from infra.sandbox.parts import Part
from infra.sandbox.tools import tool

ETCD_CLIENTS, ETCD_PEERS, ETCD_HEALTH = 2379, 2380, 2381
API, CONTROLLERS, SCHEDULER = API_PORT, 10257, 10259
ETCD_QUOTA_BYTES = 1 << 30
GO_MEMORY = {"etcd": "192MiB", "apiserver": "512MiB"}  # soft limits: the collector works harder above them


def etcd(config: SandboxConfig) -> Part:
    """Listens on the namespace's loopback only, for clients with a certificate of its own authority."""
    pki, data = config.pki, config.state / "etcd"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    client = f"https://127.0.0.1:{ETCD_CLIENTS}"
    argv = _argv(tool("etcd"), {
        "name": config.name,
        "data-dir": data,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": f"http://127.0.0.1:{ETCD_PEERS}",
        "initial-advertise-peer-urls": f"http://127.0.0.1:{ETCD_PEERS}",
        "initial-cluster": f"{config.name}=http://127.0.0.1:{ETCD_PEERS}",
        "listen-metrics-urls": f"http://{config.node_address}:{ETCD_HEALTH}",
        "cert-file": pki / "etcd.crt",
        "key-file": pki / "etcd.key",
        "client-cert-auth": "true",
        "trusted-ca-file": pki / f"{ETCD}.crt",
        "auto-compaction-retention": "1h",
        "quota-backend-bytes": ETCD_QUOTA_BYTES,
        "snapshot-count": 10000,
        "log-level": "warn",
    })  # fmt: skip
    return Part(
        "etcd",
        argv,
        health=lambda: health.http_answers(config.node_address, ETCD_HEALTH, "/readyz"),
        files=(pki / "etcd.crt", pki / f"{ETCD}.crt"),
        environment={"GOMEMLIMIT": GO_MEMORY["etcd"]},
        ending=5.0,
    )


def api_server(config: SandboxConfig) -> Part:
    """Secrets encrypted in etcd, Pod Security admission, nothing anonymous but health."""
    pki = config.pki
    encryption = _encryption(config)
    signing = pki / SIGNING_KEY
    argv = _argv(tool("kube-apiserver"), {
        "advertise-address": config.node_address,
        "bind-address": "0.0.0.0",  # noqa: S104 - all addresses of the cluster's own namespace
        "secure-port": API,
        **_etcd_access(pki),
        "client-ca-file": pki / f"{CLUSTER}.crt",
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        **_kubelet_access(pki),
        **_aggregation(pki),
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": signing.with_suffix(".pub"),
        "service-account-signing-key-file": signing,
        "service-cluster-ip-range": config.service_cidr,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "encryption-provider-config": encryption,
        "allow-privileged": "true",
        "endpoint-reconciler-type": "lease",
        "profiling": "false",
        "v": 1,
    })  # fmt: skip
    names = ("apiserver", "apiserver-etcd", "apiserver-kubelet", "front-proxy", CLUSTER, ETCD, FRONT_PROXY)
    return Part(
        "kube-apiserver",
        argv,
        health=lambda: _https(config, API, "/readyz"),
        files=(*(pki / f"{name}.crt" for name in names), signing, encryption),
        environment={"GOMEMLIMIT": GO_MEMORY["apiserver"]},
    )


def _etcd_access(pki: Path) -> dict[str, object]:
    return {
        "etcd-servers": f"https://127.0.0.1:{ETCD_CLIENTS}",
        "etcd-cafile": pki / f"{ETCD}.crt",
        "etcd-certfile": pki / "apiserver-etcd.crt",
        "etcd-keyfile": pki / "apiserver-etcd.key",
    }


def _kubelet_access(pki: Path) -> dict[str, object]:
    return {
        "kubelet-certificate-authority": pki / f"{CLUSTER}.crt",
        "kubelet-client-certificate": pki / "apiserver-kubelet.crt",
        "kubelet-client-key": pki / "apiserver-kubelet.key",
        "kubelet-preferred-address-types": "InternalIP",
    }


def _aggregation(pki: Path) -> dict[str, object]:
    """How the API server introduces itself to API services that it passes requests on to (metrics-server)."""
    return {
        "requestheader-client-ca-file": pki / f"{FRONT_PROXY}.crt",
        "requestheader-allowed-names": "front-proxy",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "proxy-client-cert-file": pki / "front-proxy.crt",
        "proxy-client-key-file": pki / "front-proxy.key",
        "enable-aggregator-routing": "true",
    }


def controller_manager(config: SandboxConfig) -> Part:
    """All controllers but those that only a cloud needs; attach/detach waits are shortened for one node."""
    pki, mine = config.pki, identities.kubeconfig_file(config, "controller-manager")
    argv = _argv(tool("kube-controller-manager"), {
        **_component(config, mine, CONTROLLERS),
        "cluster-cidr": config.pod_cidr,
        "service-cluster-ip-range": config.service_cidr,
        "allocate-node-cidrs": str(config.pods is PodNetwork.CILIUM).lower(),  # which takes them from there
        "use-service-account-credentials": "true",
        "root-ca-file": pki / f"{CLUSTER}.crt",
        "service-account-private-key-file": pki / SIGNING_KEY,
        "cluster-signing-cert-file": pki / f"{CLUSTER}.crt",
        "cluster-signing-key-file": pki / f"{CLUSTER}.key",
    })  # fmt: skip
    return Part(
        "kube-controller-manager",
        argv,
        health=lambda: _https(config, CONTROLLERS, "/healthz"),
        files=(mine, pki / SIGNING_KEY, pki / "serving.crt"),
    )


def scheduler(config: SandboxConfig) -> Part:
    mine = identities.kubeconfig_file(config, "scheduler")
    return Part(
        "kube-scheduler",
        _argv(tool("kube-scheduler"), _component(config, mine, SCHEDULER)),
        health=lambda: _https(config, SCHEDULER, "/healthz"),
        files=(mine, config.pki / "serving.crt"),
    )


def _component(config: SandboxConfig, kubeconfig: Path, port: int) -> dict[str, object]:
    """Flags that the controller manager and the scheduler share. One of each runs: nobody to elect."""
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": config.node_address,
        "secure-port": port,
        "tls-cert-file": config.pki / "serving.crt",
        "tls-private-key-file": config.pki / "serving.key",
        "client-ca-file": config.pki / f"{CLUSTER}.crt",
        "requestheader-client-ca-file": config.pki / f"{FRONT_PROXY}.crt",
        "leader-elect": "false",
        "profiling": "false",
        "v": 1,
    }


def _encryption(config: SandboxConfig) -> Path:
    """The API server's EncryptionConfiguration: Secrets are stored encrypted, older plain ones still read."""
    secret = certificates.ensure_encryption_key(config.pki / identities.ENCRYPTION_KEY)
    providers = [{"secretbox": {"keys": [{"name": "slipway", "secret": secret}]}}, {"identity": {}}]
    content = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": providers}],
    }
    path = config.files / "encryption.yaml"
    private.write(path, yaml.safe_dump(content).encode())
    return path


def _https(config: SandboxConfig, port: int, path: str) -> str | None:
    return health.https_answers(config.node_address, port, path, config.pki / f"{CLUSTER}.crt")


def _argv(program: Path, flags: dict[str, object]) -> tuple[str, ...]:
    return (str(program), *(f"--{name}={value}" for name, value in flags.items()))
