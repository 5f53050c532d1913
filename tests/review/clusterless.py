"""The sandbox's plugin without a cluster: it checks and compares as ever, and has made what it is asked to.

REVIEW_BY_HAND: JSON, logical name → inputs that somebody changed by hand, seen by a refresh.
"""

from __future__ import annotations

import json
import os
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from infra.sandbox.providers.kubernetes import checkpoint as state
from infra.sandbox.providers.kubernetes.naming import field_manager
from infra.sandbox.providers.kubernetes.servicer import Servicer
from infra.sandbox.providers.shared.process import serve
from infra.sandbox.providers.shared.urns import logical_name
from infra.sandbox.providers.shared.values import Object, Properties

NODE_PORT = 30080


class Clusterless(Servicer):
    """What an API server would answer to each operation, made up from the request."""

    def Create(self, request: Any, _context: Any) -> provider_pb2.CreateResponse:  # noqa: N802
        inputs = self.known(request.properties)
        if request.preview:
            return super().Create(request, _context)
        properties = _outputs(request.urn, inputs)
        return provider_pb2.CreateResponse(id=_id(inputs.value), properties=properties)

    def Update(self, request: Any, _context: Any) -> provider_pb2.UpdateResponse:  # noqa: N802
        if request.preview:
            return super().Update(request, _context)
        return provider_pb2.UpdateResponse(properties=_outputs(request.urn, self.known(request.news)))

    def Delete(self, _request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()

    def Read(self, request: Any, _context: Any) -> provider_pb2.ReadResponse:  # noqa: N802
        changed = json.loads(os.environ.get("REVIEW_BY_HAND", "{}")).get(logical_name(request.urn))
        if changed == "gone":
            return provider_pb2.ReadResponse()
        if changed is None:
            return provider_pb2.ReadResponse(
                id=request.id, properties=request.properties, inputs=request.inputs
            )
        inputs = self.known(request.inputs)
        seen = Properties(_merged(inputs.value, changed), inputs.secrets)
        message = state.inputs_message(seen.value, seen.secrets)
        return provider_pb2.ReadResponse(
            id=request.id, properties=_outputs(request.urn, seen), inputs=message
        )


def _id(obj: Object) -> str:
    meta = obj["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if "namespace" in meta else str(meta["name"])


def _outputs(urn: str, inputs: Properties) -> Any:
    obj = inputs.value
    live = {**obj, "metadata": {**obj["metadata"], "uid": logical_name(urn), "generation": 1}}
    if obj["kind"] == "Service":
        ports = [{"nodePort": NODE_PORT, **port} for port in obj["spec"]["ports"]]
        live["spec"] = {**obj["spec"], "ports": ports, "clusterIP": "10.96.0.10"}
    return state.outputs(live, obj, inputs.secrets, field_manager(urn, obj, {}))


def _merged(inputs: Any, changed: Any) -> Any:
    if not isinstance(inputs, dict) or not isinstance(changed, dict):
        return changed
    return {**inputs, **{key: _merged(inputs.get(key), value) for key, value in changed.items()}}


def main(arguments: list[str]) -> None:
    """Serve until the engine is gone. arguments: flags, which are ignored, then the engine's address."""
    serve(arguments, Clusterless)
