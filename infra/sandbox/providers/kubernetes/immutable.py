"""Which changes need a new object: the fields that cannot change, by kind, and the API server's own word."""

from __future__ import annotations

from collections.abc import Iterable

from infra.sandbox.providers.kubernetes.cluster import group_of
from infra.sandbox.providers.kubernetes.rest import ApiError
from infra.sandbox.providers.shared.paths import field_steps, parse, under
from infra.sandbox.providers.shared.values import Object, Path

IDENTITY = ("metadata.name", "metadata.namespace", "kind")

# The official provider's table (its diff.go), by group and kind, so that the same change has the same effect.
REPLACED: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeMode", "spec.volumeName",
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Service"): ("spec.clusterIP",),
    ("", "Secret"): ("type",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
}  # fmt: skip
POD_MUTABLE = ("spec.activeDeadlineSeconds", "spec.tolerations", "spec.terminationGracePeriodSeconds")
VOLUME_MUTABLE = (
    "spec.accessModes", "spec.capacity", "spec.claimRef", "spec.mountOptions", "spec.nodeAffinity",
    "spec.persistentVolumeReclaimPolicy", "spec.storageClassName", "spec.volumeAttributesClassName",
)  # fmt: skip
DATA = {"Secret": ("type", "data", "stringData"), "ConfigMap": ("data", "binaryData")}

# What an update of a StatefulSet may touch, in the words of the API server's refusal of everything else.
STATEFUL_SET_MUTABLE = (
    "spec.replicas", "spec.ordinals", "spec.template", "spec.updateStrategy", "spec.revisionHistoryLimit",
    "spec.persistentVolumeClaimRetentionPolicy", "spec.minReadySeconds",
)  # fmt: skip
REFUSALS = (
    "immutable",
    "may not be changed",
    "may not change",
    "cannot be changed",
    "updates to",
    "can not be",
)


def replaced_paths(paths: Iterable[Path], obj: Object, *, mutable_data: frozenset[str]) -> set[Path]:
    """Those changed paths that the kind's table says need a new object.

    mutable_data: the kinds (Secret, ConfigMap) whose data the provider was told to change in place.
    """
    kind, group = obj.get("kind", ""), group_of(obj.get("apiVersion", ""))
    fields = [*IDENTITY, *REPLACED.get((group, kind), ())]
    if group == "" and kind in DATA and (obj.get("immutable") is True or kind not in mutable_data):
        fields += DATA[kind]
    found = {path for path in paths if _any_under(path, fields)}
    if (group, kind) == ("", "Pod"):
        found |= {path for path in paths if under(path, ("spec",)) and not _any_under(path, POD_MUTABLE)}
    if (group, kind) == ("", "PersistentVolume"):
        found |= {path for path in paths if under(path, ("spec",)) and not _any_under(path, VOLUME_MUTABLE)}
    return found


def refused_paths(paths: Iterable[Path], error: ApiError) -> set[Path]:
    """Those changed paths that a dry run was refused for as immutable; empty for other refusals."""
    found: set[Path] = set()
    for cause in error.causes if error.status == 422 else ():
        if any(words in cause.message for words in REFUSALS):
            mutable = STATEFUL_SET_MUTABLE if "updates to statefulset" in cause.message else ()
            found |= {p for p in paths if under(p, field_steps(cause.field)) and not _any_under(p, mutable)}
    return found


def _any_under(path: Path, fields: Iterable[str]) -> bool:
    return any(under(path, parse(field)) for field in fields)
