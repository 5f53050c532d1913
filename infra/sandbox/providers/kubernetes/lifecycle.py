"""Create, Read, Update and Delete as the engine asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from infra.errors import UserError
from infra.sandbox.providers.kubernetes import checkpoint as state
from infra.sandbox.providers.kubernetes import operations
from infra.sandbox.providers.kubernetes.annotations import deletion_propagation, seconds_allowed
from infra.sandbox.providers.kubernetes.cluster import Cluster, Ref
from infra.sandbox.providers.kubernetes.naming import field_manager
from infra.sandbox.providers.kubernetes.rest import UnreachableError
from infra.sandbox.providers.kubernetes.session import NotReadyError, Session
from infra.sandbox.providers.kubernetes.urns import kind_of
from infra.sandbox.providers.shared.values import Object, Path, Properties


class RecordedError(Exception):
    """The object is there but not ready; detail: what the engine shall record about it."""

    def __init__(self, detail: provider_pb2.ErrorResourceInitFailed) -> None:
        self.detail = detail
        super().__init__("\n".join(detail.reasons))


def create(session: Session, request: Any, new: Properties) -> provider_pb2.CreateResponse:
    """Make the object and wait for it; as a preview, foretell it."""
    task = _task(session, request, new.value, {})
    if request.preview:
        foretold = operations.preview(task, new.value, creating=True)
        return provider_pb2.CreateResponse(properties=_outputs(task, foretold, new.value, new.secrets))
    live = _recording(task, new.value, new.secrets, lambda: operations.create(task, new.value))
    properties = _outputs(task, live, new.value, new.secrets)
    return provider_pb2.CreateResponse(id=_ref(session, live).id, properties=properties)


def update(session: Session, request: Any, old: Properties, new: Properties) -> provider_pb2.UpdateResponse:
    """Change the object and wait for it; as a preview, foretell it."""
    task = _task(session, request, new.value, old.value)
    if request.preview:
        live = operations.preview(task, new.value, creating=False)
    else:
        ignored = list(request.ignoreChanges)
        live = _recording(task, new.value, new.secrets, lambda: operations.update(task, new.value, ignored))
    return provider_pb2.UpdateResponse(properties=_outputs(task, live, new.value, new.secrets))


def delete(session: Session, request: Any, old: Properties) -> None:
    """Delete the object and wait until it is gone."""
    obj = state.live_part(old.value)
    task = _task(session, request, obj, old.value)
    try:
        operations.delete(task, obj, deletion_propagation(obj))
    except (UserError, UnreachableError):
        if not session.settings.delete_unreachable or _answers(session):
            raise
        session.engine.warn(
            request.urn, "the cluster does not answer: taken out of the state (deleteUnreachable)"
        )
    except NotReadyError as failed:
        what, remedy = "; ".join(failed.reasons), "take away what holds it, then run pulumi up again"
        raise UserError.of(str(_ref(session, obj)), what, remedy) from failed


def read(session: Session, request: Any, inputs: Properties, before: Properties) -> provider_pb2.ReadResponse:
    """The object as it is; an empty answer if it is gone."""
    try:
        ref = _asked_for(session, request, before.value)
        task = _task(session, request, inputs.value, before.value)
        seen = operations.read(task, ref, inputs.value, state.live_part(before.value))
    except (UserError, UnreachableError):
        if not session.settings.delete_unreachable or _answers(session):
            raise
        return provider_pb2.ReadResponse()
    if seen is None:
        return provider_pb2.ReadResponse()
    marked = inputs.secrets
    properties = _outputs(task, seen.live, seen.inputs, marked)
    message = state.inputs_message(seen.inputs, marked)
    if seen.reasons:
        raise RecordedError(_detail(request.id, properties, seen.reasons, message))
    return provider_pb2.ReadResponse(id=request.id, properties=properties, inputs=message)


def _task(session: Session, request: Any, obj: Object, old_state: Object) -> operations.Task:
    seconds = seconds_allowed(obj, request.timeout)
    return operations.Task(session, request.urn, field_manager(request.urn, obj, old_state), seconds)


def _outputs(
    task: operations.Task, live: Object, inputs: Object, marked: Iterable[Path]
) -> struct_pb2.Struct:
    return state.outputs(live, inputs, marked, task.manager)


def _recording(task: operations.Task, inputs: Object, marked: frozenset[Path], work: Any) -> Object:
    """The work's object; an object that did not become ready is handed to the engine to be recorded."""
    try:
        live: Object = work()
    except NotReadyError as failed:
        shown = _ref(task.session, failed.live)
        reasons = tuple(f"{shown}: {reason}" for reason in failed.reasons)
        raise RecordedError(
            _detail(shown.id, _outputs(task, failed.live, inputs, marked), reasons)
        ) from failed
    return live


def _detail(
    identity: str,
    properties: struct_pb2.Struct,
    reasons: Iterable[str],
    inputs: struct_pb2.Struct | None = None,
) -> provider_pb2.ErrorResourceInitFailed:
    return provider_pb2.ErrorResourceInitFailed(
        id=identity, properties=properties, reasons=reasons, inputs=inputs
    )


def _ref(session: Session, obj: Object) -> Ref:
    return session.needs_cluster().ref(obj)


def _asked_for(session: Session, request: Any, before: Object) -> Ref:
    """The object of a Read: its kind from the state (or the URN), its place from the id."""
    api_version, kind = before.get("apiVersion"), before.get("kind")
    if not (api_version and kind):
        api_version, kind = kind_of(request.urn)
    namespace, _, name = request.id.rpartition("/")
    cluster: Cluster = session.needs_cluster()
    scoped = cluster.namespaced(api_version, kind)
    if namespace and not scoped:
        raise UserError.of(request.id, f"{kind} has no namespace", f"use the id {name}")
    return Ref(api_version, kind, (namespace or cluster.namespace) if scoped else None, name)


def _answers(session: Session) -> bool:
    """Whether there is an API server that answers."""
    if session.cluster is None:
        return False
    try:
        return session.cluster.serves("v1", "Namespace")
    except UnreachableError:
        return False
