"""Check and Diff: the inputs a resource will have, and what a change of them means."""

from __future__ import annotations

from typing import Any

from pulumi.runtime.proto import provider_pb2

from infra.sandbox.providers.kubernetes import checkpoint as state
from infra.sandbox.providers.kubernetes import diff, waiting
from infra.sandbox.providers.kubernetes.annotations import annotation
from infra.sandbox.providers.kubernetes.naming import field_manager, named
from infra.sandbox.providers.kubernetes.rest import UnreachableError
from infra.sandbox.providers.kubernetes.session import Session
from infra.sandbox.providers.kubernetes.urns import kind_of
from infra.sandbox.providers.shared.changes import answer
from infra.sandbox.providers.shared.urns import logical_name
from infra.sandbox.providers.shared.values import Object, Path, Properties

REPLACE_UNREADY: Path = ("metadata", "annotations", "pulumi.com/replaceUnready")


def check(session: Session, request: Any, old: Properties, new: Properties) -> provider_pb2.CheckResponse:
    """The inputs with apiVersion, kind, a name and the provider's namespace filled in."""
    api_version, kind = kind_of(request.urn)
    inputs = _dashed({"apiVersion": api_version, "kind": kind, **new.value})
    options = request.autonaming if request.HasField("autonaming") else None
    inputs = named(inputs, old.value, logical_name(request.urn), request.randomSeed, options)
    meta = inputs.setdefault("metadata", {})
    if session.settings.namespace and "namespace" not in meta and _namespaced(session, inputs):
        inputs["metadata"] = {**meta, "namespace": session.settings.namespace}
    return provider_pb2.CheckResponse(inputs=state.inputs_message(inputs, new.secrets))


def _namespaced(session: Session, inputs: Object) -> bool:
    try:
        return session.cluster is None or session.cluster.namespaced(inputs["apiVersion"], inputs["kind"])
    except UnreachableError:
        return True


def _dashed(value: Any) -> Any:
    """``x_kubernetes_…`` keys of a CustomResourceDefinition as the API server spells them."""
    if isinstance(value, dict):
        return {_dash(k): _dashed(v) for k, v in value.items()}
    return [_dashed(v) for v in value] if isinstance(value, list) else value


def _dash(key: str) -> str:
    return key.replace("_", "-") if key.startswith("x_kubernetes_") else key


def compare(
    session: Session, request: Any, old_inputs: Properties, old_state: Properties, new: Properties
) -> provider_pb2.DiffResponse:
    """What changed, path by path, and whether the object must be made anew."""
    changes = diff.compare(old_inputs.value, new.value, list(request.ignoreChanges))
    diff.judge(changes, new.value, mutable_data=session.settings.mutable_data)
    if session.cluster is not None:
        manager = field_manager(request.urn, new.value, old_state.value)
        diff.ask(changes, state.live_part(old_state.value), new.value, session.cluster, manager)
        if _to_be_replaced_unready(session, request.urn, new.value):
            changes.updated.add(REPLACE_UNREADY)
            changes.replaced.add(REPLACE_UNREADY)
    return answer(changes, delete_first=diff.same_place(old_inputs.value, new.value))


def _to_be_replaced_unready(session: Session, urn: str, inputs: Object) -> bool:
    if inputs.get("kind") != "Job" or annotation(inputs, "replaceUnready") != "true":
        return False
    cluster = session.needs_cluster()
    ref = cluster.ref(inputs)
    live = cluster.get(ref)
    return live is not None and bool(waiting.not_ready(waiting.Wait(session, ref, urn, 0.0), live))
