"""The StorageClass ``local``: a folder and a ``local`` PersistentVolume for each claim, wiped on release.

Run as ``python -m infra.sandbox.provisioner``. It works from what stands, not from what happened: any event
of a claim or a volume makes it look at all of them again, so a missed event or a restart loses nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from infra.sandbox.kubeapi import Api, ApiError, Object

PROVISIONER = "slipway.dev/local"
STORAGE_CLASS = "local"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
RESYNC_SECONDS = 30.0
RETRY_SECONDS = 1.0
STALE_SECONDS = 90.0  # three missed looks: no longer healthy


@dataclass
class Provisioner:
    """Keeps the volumes below ``folder`` and their PersistentVolumes in step with the claims."""

    api: Api
    folder: Path
    node: str

    def look(self) -> None:
        """One pass over every claim and volume. Raises ApiError, httpx.TransportError or OSError."""
        volumes = {item["metadata"]["name"]: item for item in self.api.list("PersistentVolume")["items"]}
        for claim in self.api.list("PersistentVolumeClaim")["items"]:
            if self._ours_to_make(claim) and volume_name(claim) not in volumes:
                self._make(claim)
        for volume in volumes.values():
            if self._ours_to_remove(volume):
                self._remove(volume)

    def _ours_to_make(self, claim: Object) -> bool:
        spec, metadata = claim["spec"], claim["metadata"]
        return (
            spec.get("storageClassName") == STORAGE_CLASS
            and not spec.get("volumeName")
            and not metadata.get("deletionTimestamp")
            and metadata.get("annotations", {}).get(SELECTED_NODE) == self.node
        )

    def _ours_to_remove(self, volume: Object) -> bool:
        return bool(
            volume["metadata"].get("annotations", {}).get(PROVISIONED_BY) == PROVISIONER
            and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
            and volume.get("status", {}).get("phase") == "Released"
        )

    def _make(self, claim: Object) -> None:
        if claim["spec"].get("volumeMode", "Filesystem") != "Filesystem":
            self._complain(claim, "this StorageClass has file systems only, not volumeMode Block")
            return
        path = self.folder / volume_name(claim)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)  # as a fresh disk: root's, until the pod's fsGroup opens it
        with contextlib.suppress(AlreadyThereError):
            _create(self.api, volume_for(claim, path, self.node))
        _say(f"{path.name}: made for {claim['metadata']['namespace']}/{claim['metadata']['name']}")

    def _remove(self, volume: Object) -> None:
        name = volume["metadata"]["name"]
        path = self.folder / name
        if Path(volume["spec"]["local"]["path"]) != path or path.is_symlink():
            _say(f"{name}: its path is not {path}; left as it is")
            return
        if path.exists():
            shutil.rmtree(path)
        self.api.delete("PersistentVolume", name)
        _say(f"{name}: wiped and removed")

    def _complain(self, claim: Object, message: str) -> None:
        metadata = claim["metadata"]
        with contextlib.suppress(AlreadyThereError):
            _create(self.api, event(claim, message))
        _say(f"{metadata['namespace']}/{metadata['name']}: {message}")


class AlreadyThereError(Exception):
    """An object of that name exists."""


def volume_name(claim: Object) -> str:
    return f"pvc-{claim['metadata']['uid']}"


def volume_for(claim: Object, path: Path, node: str) -> Object:
    """The PersistentVolume of a claim, bound to it beforehand and to the node that holds the folder."""
    metadata, spec = claim["metadata"], claim["spec"]
    affinity = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    claim_reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(claim), "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": STORAGE_CLASS,
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}},
            "claimRef": claim_reference,
        },
    }


def event(claim: Object, message: str) -> Object:
    """A warning that ``kubectl describe pvc`` shows; one per claim."""
    metadata = claim["metadata"]
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{volume_name(claim)}.failed", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": "Warning",
        "reason": "ProvisioningFailed",
        "message": message,
        "source": {"component": PROVISIONER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


class Looking:
    """The loop: two threads watch, one looks. ``healthy`` tells whether it still succeeds."""

    def __init__(self, provisioner: Provisioner) -> None:
        self._provisioner = provisioner
        self._changed = threading.Event()
        self._last = 0.0

    @property
    def healthy(self) -> bool:
        return bool(self._last) and time.monotonic() - self._last < STALE_SECONDS

    def forever(self) -> None:
        """Look, wait for a change or half a minute, look again; after a failure, try again in a second."""
        for kind in ("PersistentVolumeClaim", "PersistentVolume"):
            threading.Thread(target=self._watch, args=(kind,), daemon=True).start()
        while True:
            self._changed.clear()
            try:
                self._provisioner.look()
                self._last = time.monotonic()
            except (ApiError, httpx.HTTPError, OSError) as error:
                _say(f"tried in vain, again in {RETRY_SECONDS:.0f} s: {error}")
                time.sleep(RETRY_SECONDS)
                continue
            self._changed.wait(RESYNC_SECONDS)

    def _watch(self, kind: str) -> None:
        api = self._provisioner.api
        while True:
            try:
                version = api.list(kind, limit="1")["metadata"]["resourceVersion"]
                self._changed.set()  # what happened since the last watch ended
                for _event in api.watch(kind, version):
                    self._changed.set()
            except (ApiError, httpx.HTTPError, ValueError) as error:
                _say(f"watching {kind}: {error}")
                time.sleep(RETRY_SECONDS)


def _create(api: Api, manifest: Object) -> None:
    try:
        api.create(manifest)
    except ApiError as error:
        if error.status == httpx.codes.CONFLICT:
            raise AlreadyThereError from error
        raise


def _serve_health(address: str, looking: Looking) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if looking.healthy else 503)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """The health question is not worth a line."""

    host, _, port = address.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _say(text: str) -> None:
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ} {text}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="provisioner")
    parser.add_argument("--server", required=True, help="URL of the API server")
    for name in ("authority", "certificate", "key"):
        parser.add_argument(f"--{name}", required=True, type=Path, help="PEM file")
    parser.add_argument("--volumes", required=True, type=Path, help="folder of the volumes")
    parser.add_argument("--node", required=True, help="name of the node that holds them")
    parser.add_argument("--listen", required=True, help="address:port of /healthz")
    given = parser.parse_args()
    api = Api(given.server, authority=given.authority, certificate=given.certificate, key=given.key)
    looking = Looking(Provisioner(api, given.volumes, given.node))
    _serve_health(given.listen, looking)
    looking.forever()


if __name__ == "__main__":
    main()
