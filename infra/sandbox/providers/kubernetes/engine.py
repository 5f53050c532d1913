"""Messages to the engine: lines and passing status texts on a resource."""

from __future__ import annotations

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from infra.sandbox.providers.kubernetes.masking import Masks

SECONDS_TO_ANSWER = 5.0


class Engine:
    """The engine's log; a message that cannot be delivered is lost, never an error of the resource."""

    def __init__(self, address: str, masks: Masks) -> None:
        self._masks = masks
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def status(self, urn: str, text: str) -> None:
        """A passing text beside the resource; empty takes it away."""
        self._log(engine_pb2.INFO, urn, text, ephemeral=True)

    def warn(self, urn: str, text: str) -> None:
        """A warning that stays in the output."""
        self._log(engine_pb2.WARNING, urn, text, ephemeral=False)

    def _log(
        self, severity: engine_pb2.LogSeverity.ValueType, urn: str, text: str, *, ephemeral: bool
    ) -> None:
        if self._stub is None:
            return
        message = self._masks.clean(text)
        request = engine_pb2.LogRequest(severity=severity, urn=urn, message=message, ephemeral=ephemeral)
        # A future nobody waits for: progress must not slow the work down.
        self._stub.Log.future(request, timeout=SECONDS_TO_ANSWER)
