"""The API server's objects by reference: where a kind lives, get, list, apply, delete, logs, events."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from infra.sandbox.providers.kubernetes.rest import APPLY, ApiError, Client
from infra.sandbox.providers.shared.values import Object

DEFAULT_NAMESPACE = "default"

# Kinds of the built-in groups that have no namespace: known without asking, so that Check needs no request.
_NAMES = """
    APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ClusterTrustBundle
    ComponentStatus CustomResourceDefinition DeviceClass FlowSchema IPAddress IngressClass
    MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node
    PersistentVolume PriorityClass PriorityLevelConfiguration ResourceSlice RuntimeClass SelfSubjectReview
    ServiceCIDR StorageClass StorageVersionMigration TokenReview ValidatingAdmissionPolicy
    ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeAttachment VolumeAttributesClass
"""
CLUSTER_SCOPED = frozenset(_NAMES.split())


class NoSuchKindError(Exception):
    """The API server serves no such kind in that version."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f"no kind {kind} in version {api_version} on this cluster")


@dataclass(frozen=True)
class Ref:
    """One object; namespace is None for kinds without one."""

    api_version: str
    kind: str
    namespace: str | None
    name: str

    @property
    def id(self) -> str:
        """Pulumi's id of the object: ``namespace/name``, or ``name`` for kinds without a namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True)
class _Served:
    plural: str
    namespaced: bool


def group_of(api_version: str) -> str:
    """``apps`` of ``apps/v1``; empty for the core group."""
    return api_version.rpartition("/")[0]


def built_in(api_version: str) -> bool:
    """Whether the group is one of Kubernetes' own, not a custom resource's."""
    group = group_of(api_version)
    return "." not in group or group.endswith(".k8s.io")


class Cluster:
    """One cluster as the provider sees it; ``namespace`` is where objects without a namespace go."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self._served: dict[str, dict[str, _Served]] = {}
        self._lock = threading.Lock()

    def ref(self, obj: Object) -> Ref:
        """The reference of an object. Raises NoSuchKindError for a kind the cluster does not serve."""
        meta = obj.get("metadata") or {}
        served = self._kind(obj["apiVersion"], obj["kind"])
        namespace = (meta.get("namespace") or self.namespace) if served.namespaced else None
        return Ref(obj["apiVersion"], obj["kind"], namespace, meta.get("name", ""))

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the kind exists on this cluster."""
        try:
            self._kind(api_version, kind)
        except NoSuchKindError:
            return False
        return True

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether the kind lives in namespaces; an unknown custom kind is taken for one that does."""
        if built_in(api_version):
            return kind not in CLUSTER_SCOPED
        try:
            return self._kind(api_version, kind).namespaced
        except NoSuchKindError:
            return True

    def get(self, ref: Ref) -> Object | None:
        """The live object, or None if there is none."""
        try:
            found: Object = self.client.json("GET", self._path(ref))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    def apply(self, ref: Ref, body: Object, *, manager: str, force: bool, dry_run: bool) -> Object:
        """Server-side apply; the answer is the object as it is, or with dry_run as it would be."""
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        query |= {"dryRun": "All"} if dry_run else {}
        answer: Object = self.client.json("PATCH", self._path(ref), query=query, body=body, kind=APPLY)
        return answer

    def delete(self, ref: Ref, propagation: str) -> bool:
        """Ask for deletion (Foreground, Background, Orphan); False if there was nothing to delete."""
        try:
            self.client.request("DELETE", self._path(ref), body={"propagationPolicy": propagation})
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def find(self, api_version: str, kind: str, namespace: str | None, **query: str) -> list[Object]:
        """Objects of a kind in a namespace; query: labelSelector, fieldSelector."""
        path = self._path(Ref(api_version, kind, namespace, ""))
        answer = self.client.json("GET", path.rstrip("/"), query=query)
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer.get("items") or ()]

    def log(self, pod: Ref, container: str, *, lines: int, previous: bool) -> str:
        """The last lines a container wrote; empty if the node has none to give."""
        query = {"container": container, "tailLines": str(lines), "previous": str(previous).lower()}
        try:
            return self.client.request("GET", f"{self._path(pod)}/log", query=query).decode(
                "utf-8", "replace"
            )
        except ApiError:
            return ""

    def events(self, namespace: str | None, uid: str) -> list[Object]:
        """What was reported about an object, oldest first."""
        found = self.find("v1", "Event", namespace or "default", fieldSelector=f"involvedObject.uid={uid}")
        return sorted(found, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")

    def _path(self, ref: Ref) -> str:
        served = self._kind(ref.api_version, ref.kind)
        root = f"/apis/{ref.api_version}" if "/" in ref.api_version else f"/api/{ref.api_version}"
        scope = f"/namespaces/{ref.namespace}" if served.namespaced and ref.namespace else ""
        return f"{root}{scope}/{served.plural}/{ref.name}"

    def _kind(self, api_version: str, kind: str) -> _Served:
        with self._lock:
            known = self._served.get(api_version, {})
            # A kind may be new (its definition was just created): ask again rather than remember its absence.
            if kind not in known:
                known = self._served[api_version] = self._discover(api_version)
        if kind not in known:
            raise NoSuchKindError(api_version, kind)
        return known[kind]

    def _discover(self, api_version: str) -> dict[str, _Served]:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            answer: Any = self.client.json("GET", root)
        except ApiError as error:
            if error.status == 404:
                return {}
            raise
        kinds = (r for r in answer.get("resources") or () if "/" not in r["name"])
        return {r["kind"]: _Served(r["name"], bool(r["namespaced"])) for r in kinds}
