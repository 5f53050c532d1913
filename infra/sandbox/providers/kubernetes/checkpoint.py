"""What stands in Pulumi's state for an object: the live object and three keys of our own (as official)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf import struct_pb2

from infra.sandbox.providers.kubernetes.masking import secret_paths
from infra.sandbox.providers.kubernetes.naming import AUTONAMED
from infra.sandbox.providers.shared.values import UNKNOWN, Object, Path, at, dig, encode

INPUTS, API_VERSION, MANAGER = "__inputs", "__initialApiVersion", "__fieldManager"
SERVER_SIDE = (
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
REVISION = "deployment.kubernetes.io/revision"


def outputs(live: Object, inputs: Object, marked: Iterable[Path], manager: str) -> struct_pb2.Struct:
    """The output properties of a live object, secret where the inputs are secret."""
    shown = without_last_applied(live)
    secrets = secret_paths(shown, marked)
    secrets |= {(INPUTS, *path) for path in secrets}
    own = {INPUTS: inputs, API_VERSION: live.get("apiVersion", ""), MANAGER: manager}
    return encode({**shown, **own}, secrets)


def inputs_message(inputs: Object, marked: Iterable[Path]) -> struct_pb2.Struct:
    """Input properties as a message."""
    return encode(inputs, secret_paths(inputs, marked))


def live_part(state: Object) -> Object:
    """The live object of a state."""
    return {k: v for k, v in state.items() if k not in {INPUTS, API_VERSION, MANAGER}}


def predicted(result: Object, inputs: Object, *, creating: bool) -> Object:
    """A dry run's result as a promise: what only the real run decides is unknown."""
    meta = dict(result.get("metadata") or {})
    decided_later = ["resourceVersion", "generation", "managedFields"]
    decided_later += ["uid", "creationTimestamp"] if creating else []
    meta |= {key: UNKNOWN for key in decided_later if key in meta}
    promise = {**result, "metadata": meta}
    if "status" in promise:
        promise["status"] = UNKNOWN
    if creating and result.get("kind") == "Service":
        later = {k: UNKNOWN for k in ("clusterIP", "clusterIPs") if not at(inputs, ("spec", k))}
        promise["spec"] = {**(promise.get("spec") or {}), **later}
    return promise


def without_last_applied(obj: Object) -> Object:
    """The object without kubectl's copy of itself, which repeats a Secret's data in the clear."""
    annotations = dig(obj, "metadata.annotations")
    if not annotations or LAST_APPLIED not in annotations:
        return obj
    kept = {k: v for k, v in annotations.items() if k != LAST_APPLIED}
    return {**obj, "metadata": {**obj["metadata"], "annotations": kept}}


def imported_inputs(live: Object) -> Object:
    """The inputs a program would have had to write for this object: everything but what the cluster adds."""
    meta = {k: v for k, v in without_last_applied(live)["metadata"].items() if k not in SERVER_SIDE}
    annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k not in {REVISION, AUTONAMED}}
    meta.pop("annotations", None)
    if annotations:
        meta["annotations"] = annotations
    return {**{k: v for k, v in live.items() if k != "status"}, "metadata": meta}


ITEM_KEYS = ("name", "containerPort", "port", "mountPath", "key", "ip", "topologyKey")


def drifted(inputs: Any, before: Any, now: Any) -> Any:
    """The inputs as they would be written today: changed where the live value changed since it was applied.

    before: the live value when we applied; now: the live value. A value that the API server wrote in another
    form at once ("1000m" → "1") is the same in both, and so no drift. None means: gone.
    """
    if now == before:
        return inputs
    if isinstance(inputs, dict) and isinstance(now, dict):
        past = before if isinstance(before, dict) else {}
        members = {k: drifted(v, past.get(k), now.get(k)) for k, v in inputs.items()}
        return {k: v for k, v in members.items() if v is not None}
    if isinstance(inputs, list) and isinstance(now, list):
        return _drifted_list(inputs, before if isinstance(before, list) else [], now)
    return now


def _drifted_list(inputs: list[Any], before: list[Any], now: list[Any]) -> list[Any]:
    key = next((k for k in ITEM_KEYS if _identifies(k, inputs) and _identifies(k, now)), None)
    if key is None:
        if len(inputs) != len(now) or not all(isinstance(item, dict) for item in inputs):
            return now
        return [drifted(i, at(before, (n,)), now[n]) for n, i in enumerate(inputs)]
    past = {item.get(key): item for item in before if isinstance(item, dict)}
    today = {item[key]: item for item in now}
    found = [drifted(item, past.get(item[key]), today.get(item[key])) for item in inputs]
    return [item for item in found if item is not None]


def _identifies(key: str, items: list[Any]) -> bool:
    values = [item.get(key) for item in items if isinstance(item, dict)]
    return len(values) == len(items) == len(set(map(str, values))) and None not in values
