"""The cluster from inside a pod and from the host: names, addresses, volumes, security, access."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from infra.sandbox import cluster as sandbox
from tests.live.cluster.second import Cluster, workload
from tests.live.facts import eventually

pytestmark = [pytest.mark.live, pytest.mark.slow]


def test_every_part_serves(cluster: Cluster) -> None:
    assert [part for part in sandbox.status(cluster.config) if not part.healthy] == []


def test_a_service_name_is_resolved_within_a_second(cluster: Cluster) -> None:
    address = cluster.said("get", "service", "box", "--output=jsonpath={.spec.clusterIP}")
    said = cluster.inside("getent hosts box", seconds=1).stdout
    assert said.split() == [address, "box.box.svc.cluster.local"]


def test_a_name_of_the_outside_world_is_unknown_within_a_second(cluster: Cluster) -> None:
    unknown = 2  # getent(1); `timeout` itself would say 124
    assert cluster.inside("getent hosts example.com", seconds=1).returncode == unknown


@pytest.mark.parametrize("address", ["1.1.1.1", "192.0.2.2", "10.0.0.1"])
def test_no_packet_of_a_pod_leaves_the_machine(cluster: Cluster, address: str) -> None:
    said = cluster.inside(f"exec 3<>/dev/tcp/{address}/80").stderr
    assert "No route to host" in said or "Network is unreachable" in said


def test_a_pod_reaches_another_by_its_service(cluster: Cluster) -> None:
    assert cluster.inside("redis-cli -h box ping").stdout == "PONG\n"


def test_the_host_reaches_a_service(cluster: Cluster) -> None:
    address = cluster.said("get", "service", "box", "--output=jsonpath={.spec.clusterIP}")
    done = subprocess.run(
        ["redis-cli", "-h", address, "ping"], capture_output=True, text=True, timeout=5, check=False
    )
    assert done.stdout == "PONG\n"


def test_the_log_of_a_container_is_read(cluster: Cluster) -> None:
    assert "Ready to accept connections" in cluster.said("logs", "deployment/box")


def test_the_volume_belongs_to_the_group_of_the_pod(cluster: Cluster) -> None:
    assert cluster.inside("stat -c '%u:%g %A' /data").stdout == "0:999 drwxrwsr-x\n"


def test_a_volume_is_wiped_and_removed_with_its_claim(cluster: Cluster) -> None:
    claim, pod = _second_volume()
    cluster.said("apply", "--filename=-", stdin=yaml.safe_dump_all([claim, pod]))
    cluster.said("wait", "pod/second", "--for=condition=Ready", "--timeout=60s")
    name = cluster.said("get", "pvc", "second", "--output=jsonpath={.spec.volumeName}")
    folder = cluster.config.volumes / name
    assert folder.is_dir()
    cluster.said("delete", "pod/second", "pvc/second", "--wait=true")
    eventually(lambda: not folder.exists(), "the folder is gone")
    eventually(lambda: cluster.kubectl("get", "pv", name).returncode == 1, "the volume is gone")


def _second_volume() -> tuple[dict[str, object], dict[str, object]]:
    _namespace, claim, deployment, _service = workload()
    spec = deployment["spec"]["template"]["spec"]
    spec["volumes"][0]["persistentVolumeClaim"]["claimName"] = "second"
    return {**claim, "metadata": {"name": "second"}}, {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "second"},
        "spec": spec,
    }


def test_a_volume_of_raw_blocks_is_refused_with_the_reason(cluster: Cluster) -> None:
    claim, pod = _second_volume()
    block = {**claim, "spec": {**claim["spec"], "volumeMode": "Block"}}  # type: ignore[dict-item]
    spec = pod["spec"]
    spec["containers"][0].pop("volumeMounts")  # type: ignore[index]
    spec["containers"][0]["volumeDevices"] = [{"name": "data", "devicePath": "/dev/data"}]  # type: ignore[index]
    cluster.said("apply", "--filename=-", stdin=yaml.safe_dump_all([block, pod]))
    try:
        eventually(
            lambda: (
                "file systems only"
                in cluster.said("get", "events", "--field-selector=reason=ProvisioningFailed")
            ),
            "the reason is an event of the claim",
        )
    finally:
        cluster.said("delete", "pod/second", "pvc/second", "--wait=true", "--grace-period=0", "--force")


def test_pod_security_refuses_a_root_pod(cluster: Cluster) -> None:
    done = cluster.kubectl("run", "root", "--image=x", "--dry-run=server")
    assert 'violates PodSecurity "restricted:latest"' in done.stderr


def test_a_secret_is_encrypted_in_etcd(cluster: Cluster) -> None:
    cluster.said("create", "secret", "generic", "hidden", "--from-literal=value=read-me-if-you-can")
    files = [path.read_bytes() for path in (cluster.config.state / "etcd").rglob("*") if path.is_file()]
    assert not any(b"read-me-if-you-can" in content for content in files)
    assert any(b"k8s:enc:secretbox:v1:slipway:" in content for content in files)


def test_nobody_without_a_certificate_reads_anything(cluster: Cluster) -> None:
    done = subprocess.run(
        ["curl", "--silent", "--insecure", f"{cluster.config.api_url}/api/v1/secrets"],
        capture_output=True,
        text=True,
        timeout=5,
        check=False,
    )
    assert '"code": 403' in done.stdout


def test_nothing_of_the_cluster_listens_on_the_host(cluster: Cluster) -> None:
    own = Path("/proc/self/ns/net").readlink()
    assert [
        name for name, pid in cluster.pids().items() if Path(f"/proc/{pid}/ns/net").readlink() == own
    ] == []


def test_keys_are_for_their_owner_only(cluster: Cluster) -> None:
    keys = [*cluster.config.pki.glob("*.key"), *cluster.config.files.iterdir(), cluster.config.kubeconfig]
    assert [path.name for path in keys if path.is_file() and path.stat().st_mode & 0o077] == []


def test_no_key_stands_in_a_command_line(cluster: Cluster) -> None:
    key = (cluster.config.pki / "encryption.key").read_text()
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in cluster.pids().values()]
    assert not any(key in line or "PRIVATE" in line for line in lines)
