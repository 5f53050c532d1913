"""The few requests that slipway itself sends to the API server: get, list, apply, create, delete, watch."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

MANAGER = "slipway-sandbox"
TIMEOUT_SECONDS = 10.0
WATCH_SECONDS = 240
Object = dict[str, Any]

# Kind → the path of its collection; {ns} where it lives in a namespace.
COLLECTIONS = {
    "APIService": "/apis/apiregistration.k8s.io/v1/apiservices",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "ConfigMap": "/api/v1/namespaces/{ns}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{ns}/deployments",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices",
    "Event": "/api/v1/namespaces/{ns}/events",
    "Namespace": "/api/v1/namespaces",
    "Node": "/api/v1/nodes",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "PersistentVolumeClaim": "/api/v1/namespaces/{ns}/persistentvolumeclaims",
    "Pod": "/api/v1/namespaces/{ns}/pods",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings",
    "Service": "/api/v1/namespaces/{ns}/services",
    "ServiceAccount": "/api/v1/namespaces/{ns}/serviceaccounts",
    "SubjectAccessReview": "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
}


class ApiError(Exception):
    """The API server refused. ``status`` is the HTTP status code."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        super().__init__(f"{status}: {said}")


class Api:
    """A client that shows ``certificate`` (PEM files).

    Every request raises ApiError for a refusal and httpx.TransportError when there is no server.
    """

    def __init__(self, url: str, *, authority: Path, certificate: Path, key: Path) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(str(certificate), str(key))
        self._client = httpx.Client(base_url=url, verify=context, timeout=TIMEOUT_SECONDS, trust_env=False)

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """The object, or None when there is none of that name."""
        try:
            return self._send("GET", f"{collection(kind, namespace)}/{name}")
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def list(self, kind: str, namespace: str = "", **selectors: str) -> Object:
        """The list object of a kind; every namespace when none is named."""
        return self._send("GET", collection(kind, namespace), params=selectors)

    def text(self, path: str) -> str:
        """The answer as it is: for what is not JSON."""
        answer = self._client.get(path)
        if answer.is_error:
            raise ApiError(answer.status_code, answer.text)
        return answer.text

    def apply(self, manifest: Object) -> Object:
        """Server-side apply; our fields win over other managers'."""
        metadata = manifest["metadata"]
        return self._send(
            "PATCH",
            f"{collection(manifest['kind'], metadata.get('namespace', ''))}/{metadata['name']}",
            params={"fieldManager": MANAGER, "force": "true"},
            content=json.dumps(manifest),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )

    def patch_status(self, kind: str, name: str, namespace: str, status: Object) -> Object:
        """Merge into the status of an object; conditions are matched by type."""
        return self._send(
            "PATCH",
            f"{collection(kind, namespace)}/{name}/status",
            content=json.dumps({"status": status}),
            headers={"Content-Type": "application/strategic-merge-patch+json"},
        )

    def create(self, manifest: Object) -> Object:
        """Create; raises ApiError with status 409 when it is there already."""
        namespace = manifest["metadata"].get("namespace", "")
        return self._send("POST", collection(manifest["kind"], namespace), json=manifest)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete; an object that is gone already is no error."""
        try:
            self._send("DELETE", f"{collection(kind, namespace)}/{name}")
        except ApiError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise

    def watch(self, kind: str, version: str) -> Iterator[Object]:
        """Events of a kind in all namespaces since ``version``, until the server ends the watch (4 min)."""
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(WATCH_SECONDS)}
        timeout = httpx.Timeout(TIMEOUT_SECONDS, read=WATCH_SECONDS + 30)
        with self._client.stream("GET", collection(kind), params=query, timeout=timeout) as answer:
            if answer.is_error:
                raise ApiError(answer.status_code, answer.read().decode(errors="replace"))
            for line in answer.iter_lines():
                yield json.loads(line)

    def _send(self, method: str, path: str, **more: Any) -> Object:
        answer = self._client.request(method, path, **more)
        if answer.is_error:
            try:
                said = answer.json().get("message", answer.text)
            except ValueError:
                said = answer.text
            raise ApiError(answer.status_code, said)
        found: Object = answer.json()
        return found


def collection(kind: str, namespace: str = "") -> str:
    """Path of a kind's collection, in one namespace or in all."""
    path = COLLECTIONS[kind]
    return path.format(ns=namespace) if namespace else path.replace("namespaces/{ns}/", "")
