"""Create, read, update and delete one object, with waiting. lifecycle.py speaks gRPC for it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from http import HTTPStatus

from infra.errors import UserError
from infra.sandbox.providers.kubernetes import waiting
from infra.sandbox.providers.kubernetes.annotations import skips_waiting
from infra.sandbox.providers.kubernetes.applying import apply
from infra.sandbox.providers.kubernetes.checkpoint import (
    drifted,
    imported_inputs,
    predicted,
    without_last_applied,
)
from infra.sandbox.providers.kubernetes.cluster import NoSuchKindError, Ref
from infra.sandbox.providers.kubernetes.masking import is_secret
from infra.sandbox.providers.kubernetes.ownership import without_foreign
from infra.sandbox.providers.kubernetes.rest import ApiError, UnreachableError
from infra.sandbox.providers.kubernetes.session import Session
from infra.sandbox.providers.shared.values import Object, dig, has_unknown


@dataclass(frozen=True)
class Task:
    """One operation: the resource's URN, our manager name, seconds to wait at most."""

    session: Session
    urn: str
    manager: str
    seconds: float


def preview(task: Task, inputs: Object, *, creating: bool) -> Object:
    """What the object would be; the inputs themselves where the API server cannot say yet."""
    cluster = task.session.cluster
    if cluster is None or has_unknown(inputs):
        return inputs
    try:
        ref = cluster.ref(inputs)
        if creating and cluster.get(ref) is not None:
            return inputs  # will be deleted first, or refused by the real run
        result = apply(task.session, ref, inputs, task.manager, dry_run=True)
    except (NoSuchKindError, UnreachableError):
        return inputs
    except ApiError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            task.session.engine.status(task.urn, f"no dry run: {error.message}")
        elif error.status != HTTPStatus.NOT_FOUND:  # its namespace comes with this very run
            raise
        return inputs
    return predicted(result, inputs, creating=creating)


def create(task: Task, inputs: Object) -> Object:
    """The live object, ready. Raises UserError if it is there and not ours, NotReadyError."""
    cluster = task.session.needs_cluster()
    ref = cluster.ref(inputs)
    existing = cluster.get(ref)
    if existing is not None and not task.session.settings.upsert and not _ours(existing, task.manager):
        remedy = f"import it (import_={ref.id!r}), or delete it, or give the resource another metadata.name"
        raise UserError.of(str(ref), "already exists and was not created by this resource", remedy)
    live = apply(task.session, ref, inputs, task.manager)
    return _when_ready(task, ref, inputs, live)


def _ours(existing: Object, manager: str) -> bool:
    """Whether an earlier run of this very resource made it and was killed before it could record so."""
    return any(entry.get("manager") == manager for entry in dig(existing, "metadata.managedFields", []))


def update(task: Task, inputs: Object, ignored: list[str]) -> Object:
    """The ready live object after the change. Raises NotReadyError if it does not become ready."""
    cluster = task.session.needs_cluster()
    ref = cluster.ref(inputs)
    sent = without_foreign(inputs, cluster.get(ref) or {}, task.manager, ignored) if ignored else inputs
    live = apply(task.session, ref, sent, task.manager)
    return _when_ready(task, ref, inputs, live)


def _when_ready(task: Task, ref: Ref, inputs: Object, live: Object) -> Object:
    if skips_waiting(inputs):
        return live
    return waiting.until_ready(waiting.Wait(task.session, ref, task.urn, task.seconds), live)


def delete(task: Task, obj: Object, propagation: str) -> None:
    """Return when the object is gone; also if it was before. Raises NotReadyError at the time-out."""
    cluster = task.session.needs_cluster()
    try:
        ref = cluster.ref(obj)
        if not cluster.delete(ref, propagation):
            return
    except NoSuchKindError:
        return
    if skips_waiting(obj):
        return
    waiting.until_gone(waiting.Wait(task.session, ref, task.urn, task.seconds), dig(obj, "metadata.uid"))


@dataclass(frozen=True)
class Seen:
    """A live object, the inputs as a program would write them today, and what is not ready about it."""

    live: Object
    inputs: Object
    reasons: tuple[str, ...] = ()


def read(task: Task, ref: Ref, inputs: Object, before: Object) -> Seen | None:
    """The object as it is now, or None. inputs and before (the state's live object): empty for an import."""
    cluster = task.session.needs_cluster()
    try:
        live = cluster.get(ref)
    except NoSuchKindError:
        return None
    if live is None:
        return None
    task.session.masks.learn_secret(live)
    if not inputs:
        return Seen(live, imported_inputs(live))
    now = drifted(inputs, without_last_applied(before), without_last_applied(live))
    if is_secret(live) and inputs.get("stringData"):
        now = {**now, "stringData": _string_data(inputs["stringData"], before, live)}
    if skips_waiting(inputs):
        return Seen(live, now)
    return Seen(live, now, waiting.not_ready(waiting.Wait(task.session, ref, task.urn, 0.0), live))


def _string_data(given: Object, before: Object, live: Object) -> Object:
    """stringData as it would be written today: the API server only ever shows it encoded, as data."""
    past, today = before.get("data") or {}, live.get("data") or {}
    kept = {}
    for key, text in given.items():
        if today.get(key) == past.get(key):
            kept[key] = text
        elif key in today:
            kept[key] = _text(today[key])
    return kept


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded
