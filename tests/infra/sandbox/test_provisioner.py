"""Volumes of the StorageClass ``local``: which claims get one, what it says, when its folder is wiped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.sandbox.kubeapi import ApiError
from infra.sandbox.provisioner import PROVISIONED_BY, PROVISIONER, SELECTED_NODE, Provisioner

pytestmark = pytest.mark.unit
Object = dict[str, Any]


class FakeApi:
    """Lists what it was given and remembers what was asked of it."""

    def __init__(self, claims: list[Object], volumes: list[Object], refuses: int = 0) -> None:
        self.items = {"PersistentVolumeClaim": claims, "PersistentVolume": volumes}
        self.created: list[Object] = []
        self.deleted: list[str] = []
        self.refuses = refuses

    def list(self, kind: str, namespace: str = "", **_selectors: str) -> Object:
        return {"items": self.items[kind]}

    def create(self, manifest: Object) -> Object:
        if self.refuses:
            raise ApiError(self.refuses, "refused")
        self.created.append(manifest)
        return manifest

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        self.deleted.append(f"{kind}/{name}")


def claim(**changes: Any) -> Object:
    spec = {
        "storageClassName": "local",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    metadata: Object = {
        "name": "data",
        "namespace": "db",
        "uid": "u1",
        "annotations": {SELECTED_NODE: "node"},
    }
    return {"metadata": {**metadata, **changes.pop("metadata", {})}, "spec": {**spec, **changes}}


def volume(path: Path, **changes: Any) -> Object:
    return {
        "metadata": {"name": "pvc-u1", "annotations": {PROVISIONED_BY: changes.get("by", PROVISIONER)}},
        "spec": {
            "persistentVolumeReclaimPolicy": changes.get("policy", "Delete"),
            "local": {"path": str(path)},
        },
        "status": {"phase": changes.get("phase", "Released")},
    }


def look(folder: Path, api: FakeApi) -> FakeApi:
    Provisioner(api, folder, "node").look()  # type: ignore[arg-type]
    return api


def test_a_claim_gets_a_folder_and_a_volume_bound_to_it_and_to_the_node(tmp_path: Path) -> None:
    made = look(tmp_path, FakeApi([claim()], [])).created[0]
    assert (tmp_path / "pvc-u1").is_dir()
    assert made["spec"]["local"] == {"path": str(tmp_path / "pvc-u1")}
    assert made["spec"]["claimRef"]["uid"] == "u1"
    assert made["spec"]["capacity"] == {"storage": "1Gi"}
    term = made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert (term["key"], term["values"]) == ("kubernetes.io/hostname", ["node"])


@pytest.mark.parametrize(
    "other",
    [
        claim(storageClassName="fast"),
        claim(volumeName="pvc-u1"),
        claim(metadata={"annotations": {}}),
        claim(metadata={"annotations": {SELECTED_NODE: "elsewhere"}}),
        claim(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
    ],
)
def test_a_claim_that_is_not_ours_to_serve_is_left_alone(tmp_path: Path, other: Object) -> None:
    assert look(tmp_path, FakeApi([other], [])).created == []
    assert list(tmp_path.iterdir()) == []


def test_a_volume_that_was_made_before_a_crash_is_not_made_twice(tmp_path: Path) -> None:
    look(tmp_path, FakeApi([claim()], [], refuses=409))
    assert (tmp_path / "pvc-u1").is_dir()


def test_a_refusal_is_raised(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="403"):
        look(tmp_path, FakeApi([claim()], [], refuses=403))


def test_a_claim_for_raw_blocks_is_told_why_it_waits(tmp_path: Path) -> None:
    (event,) = look(tmp_path, FakeApi([claim(volumeMode="Block")], [])).created
    assert (event["kind"], event["reason"]) == ("Event", "ProvisioningFailed")
    assert event["message"] == "this StorageClass has file systems only, not volumeMode Block"


def test_a_released_volume_is_wiped_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "pvc-u1"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_text("x")
    assert look(tmp_path, FakeApi([], [volume(folder)])).deleted == ["PersistentVolume/pvc-u1"]
    assert not folder.exists()


@pytest.mark.parametrize("changes", [{"phase": "Bound"}, {"policy": "Retain"}, {"by": "somebody.else"}])
def test_a_volume_that_is_not_ours_to_remove_is_kept(tmp_path: Path, changes: Object) -> None:
    folder = tmp_path / "pvc-u1"
    folder.mkdir()
    assert look(tmp_path, FakeApi([], [volume(folder, **changes)])).deleted == []
    assert folder.exists()


def test_a_volume_that_points_elsewhere_is_never_wiped(tmp_path: Path) -> None:
    elsewhere = tmp_path / "precious"
    elsewhere.mkdir()
    assert look(tmp_path / "volumes", FakeApi([], [volume(elsewhere)])).deleted == []
    assert elsewhere.exists()


def test_a_link_in_place_of_the_folder_is_never_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "pvc-u1").symlink_to(precious)
    assert look(tmp_path, FakeApi([], [volume(tmp_path / "pvc-u1")])).deleted == []
    assert precious.exists()
