"""The engine's operations on one resource, for every kind alike; the kinds know AWS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from infra.errors import UserError
from infra.sandbox.providers.aws import documents
from infra.sandbox.providers.aws.clients import Clients
from infra.sandbox.providers.aws.drift import drifted
from infra.sandbox.providers.aws.kinds import kind_of
from infra.sandbox.providers.aws.kinds.base import Kind
from infra.sandbox.providers.shared.changes import Changes, answer, between
from infra.sandbox.providers.shared.urns import logical_name
from infra.sandbox.providers.shared.values import UNKNOWN, Object, Path, Properties, encode

DOCUMENT: Path = ("policy",)


def check(request: Any, new: Properties) -> provider_pb2.CheckResponse:
    """The inputs, with everything named that this plugin cannot do."""
    kind = kind_of(request.urn)
    served = {*kind.required, *kind.optional}
    found = {
        key: "the sandbox's plugin does not serve it; leave it out" for key in new.value if key not in served
    }
    found |= {
        key: "is missing; the sandbox's plugin makes up no names and no values"
        for key in kind.required
        if key not in new.value
    }
    failures = [provider_pb2.CheckFailure(property=key, reason=why) for key, why in sorted(found.items())]
    return provider_pb2.CheckResponse(inputs=encode(new.value, new.secrets), failures=failures)


def compare(request: Any, old: Properties, new: Properties) -> provider_pb2.DiffResponse:
    """What changed, path by path, and whether the resource must be made anew."""
    kind = kind_of(request.urn)
    changes = between(old.value, new.value, list(request.ignoreChanges))
    _forget_wording(changes, old.value, new.value)
    changes.replaced = {path for path in changes.all() if path[0] in kind.fixed}
    same_place = all(old.value.get(key) == new.value.get(key) for key in kind.place)
    return answer(changes, delete_first=same_place and bool(kind.place))


def _forget_wording(changes: Changes, old: Object, new: Object) -> None:
    if documents.same(old.get("policy"), new.get("policy")):
        changes.drop({path for path in changes.all() if path[:1] == DOCUMENT})


def create(clients: Clients, request: Any, new: Properties) -> provider_pb2.CreateResponse:
    """Make it; as a preview, foretell it."""
    kind = kind_of(request.urn)
    if request.preview:
        promise = {**new.value, **dict.fromkeys(kind.computed, UNKNOWN)}
        return provider_pb2.CreateResponse(properties=_message(kind, promise, new.secrets))
    identity, told = kind.create(clients, new.value)
    state = _seen(kind, clients, request.urn, identity, {**new.value, **told})
    return provider_pb2.CreateResponse(id=identity, properties=_message(kind, state, new.secrets))


def update(
    clients: Clients, request: Any, old: Properties, old_inputs: Properties, new: Properties
) -> provider_pb2.UpdateResponse:
    """Change it in place; as a preview, foretell it."""
    kind = kind_of(request.urn)
    if request.preview:
        state = {**{key: old.value[key] for key in kind.computed if key in old.value}, **new.value}
    else:
        kind.update(clients, request.id, old_inputs.value, new.value)
        kept = {key: old.value[key] for key in kind.secret if key in old.value}
        state = _seen(kind, clients, request.urn, request.id, {**new.value, **kept})
    return provider_pb2.UpdateResponse(properties=_message(kind, state, new.secrets))


def read(clients: Clients, request: Any, inputs: Properties, before: Properties) -> provider_pb2.ReadResponse:
    """It as it is now, and the inputs that would make it so; an empty answer if it is gone."""
    kind = kind_of(request.urn)
    now = kind.read(clients, request.id, {**inputs.value, **before.value})
    if now is None:
        return provider_pb2.ReadResponse()
    own = {key: value for key, value in now.items() if key not in kind.computed}
    past = {key: value for key, value in before.value.items() if key not in kind.computed}
    today = drifted(inputs.value, past, own) if inputs.value else own
    return provider_pb2.ReadResponse(
        id=request.id,
        properties=_message(kind, now, inputs.secrets),
        inputs=encode(today, inputs.secrets),
    )


def delete(clients: Clients, request: Any, old: Properties) -> None:
    """Remove it."""
    kind_of(request.urn).delete(clients, request.id, old.value)


def _seen(kind: Kind, clients: Clients, urn: str, identity: str, known: Object) -> Object:
    """What AWS made of it: later looks are compared with this one, not with what was asked for."""
    live = kind.read(clients, identity, known)
    if live is None:
        raise UserError.of(logical_name(urn), "was gone at once after it was made", "run pulumi up again")
    return {**known, **live}


def _message(kind: Kind, state: Object, marked: Iterable[Path]) -> struct_pb2.Struct:
    return encode(state, {*marked, *((key,) for key in kind.secret)})
