"""The part of the gRPC face that every plugin of the sandbox has: who it is, and errors free of secrets."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import grpc
from google.protobuf import any_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from infra.sandbox.providers.shared.masking import Masks
from infra.sandbox.providers.shared.values import Properties, decode

DETAILS = "grpc-status-details-bin"


class Face(provider_pb2_grpc.ResourceProviderServicer):
    """One plugin process. What is not defined here or below answers UNIMPLEMENTED, by the base class."""

    package: ClassVar[str]
    version: ClassVar[str]

    def __init__(self, masks: Masks) -> None:
        self._masks = masks

    def aborted(self, context: grpc.ServicerContext, text: str, detail: Any = None) -> Exception:
        """End the call with an error (abort raises); detail travels along as gRPC's rich statuses do."""
        message = self._masks.clean(text)
        if detail is not None:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status = status_pb2.Status(
                code=grpc.StatusCode.UNKNOWN.value[0], message=message, details=[packed]
            )
            context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
        return RuntimeError(context.abort(grpc.StatusCode.UNKNOWN, message))

    def known(self, struct: struct_pb2.Struct) -> Properties:
        """Properties of a message; what is secret among them is never shown from now on."""
        properties = decode(struct)
        self._masks.learn(properties)
        return properties

    def Handshake(self, _request: Any, _context: Any) -> provider_pb2.ProviderHandshakeResponse:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=True
        )

    def GetPluginInfo(self, _request: Any, _context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self.version)

    def GetSchema(self, _request: Any, _context: Any) -> provider_pb2.GetSchemaResponse:  # noqa: N802
        schema = json.dumps({"name": self.package, "version": self.version})
        return provider_pb2.GetSchemaResponse(schema=schema)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:  # noqa: N802
        text = f"the sandbox's plugin serves no functions ({request.tok})"
        raise RuntimeError(context.abort(grpc.StatusCode.UNIMPLEMENTED, text))  # abort raises
