"""The gRPC face: each of the engine's requests to its operation, each error to an answer free of secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from infra.sandbox.providers.kubernetes import VERSION, checking, configuring, lifecycle, serving
from infra.sandbox.providers.kubernetes.applying import in_words
from infra.sandbox.providers.kubernetes.engine import Engine
from infra.sandbox.providers.kubernetes.masking import Masks
from infra.sandbox.providers.kubernetes.session import Session
from infra.sandbox.providers.kubernetes.urns import logical_name
from infra.sandbox.providers.kubernetes.values import Properties, decode

DETAILS = "grpc-status-details-bin"
SCHEMA = json.dumps({"name": "kubernetes", "version": VERSION})
Answer = TypeVar("Answer")
Method = Callable[["Servicer", Any, grpc.ServicerContext], Answer]


def worded(method: Method[Answer]) -> Method[Answer]:
    """Turn whatever is raised into a status in words."""

    @wraps(method)
    def call(self: Servicer, request: Any, context: grpc.ServicerContext) -> Answer:
        try:
            return method(self, request, context)
        except lifecycle.RecordedError as recorded:
            raise self.aborted(context, str(recorded), recorded.detail) from recorded
        except Exception as error:
            raise self.aborted(context, str(in_words(error, logical_name(request.urn)))) from error

    return call


def answered(method: Method[Answer]) -> Method[Answer]:
    """Worded, and refused to stacks that are not served on the configured cluster."""

    @wraps(method)
    def call(self: Servicer, request: Any, context: grpc.ServicerContext) -> Answer:
        serving.require(request.urn, self.session.foreign)
        return method(self, request, context)

    return worded(call)


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One plugin process. What is not defined here answers UNIMPLEMENTED, by the base class."""

    def __init__(self, engine_address: str) -> None:
        masks = Masks()
        self.session = Session(Engine(engine_address, masks), masks)

    def aborted(self, context: grpc.ServicerContext, text: str, detail: Any = None) -> Exception:
        """End the call with an error (abort raises); detail travels along as gRPC's rich statuses do."""
        message = self.session.masks.clean(text)
        if detail is not None:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status = status_pb2.Status(
                code=grpc.StatusCode.UNKNOWN.value[0], message=message, details=[packed]
            )
            context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
        return RuntimeError(context.abort(grpc.StatusCode.UNKNOWN, message))

    def _known(self, struct: struct_pb2.Struct) -> Properties:
        properties = decode(struct)
        self.session.masks.learn(properties)
        return properties

    def Handshake(self, _request: Any, _context: Any) -> provider_pb2.ProviderHandshakeResponse:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=True
        )

    def GetPluginInfo(self, _request: Any, _context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, _request: Any, _context: Any) -> provider_pb2.GetSchemaResponse:  # noqa: N802
        return provider_pb2.GetSchemaResponse(schema=SCHEMA)

    @worded
    def CheckConfig(self, request: Any, _context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        inputs = decode(request.news).value
        serving.require(request.urn, configuring.foreign(inputs))
        problems = configuring.problems(inputs)
        failures = [provider_pb2.CheckFailure(property=key, reason=why) for key, why in problems.items()]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @worded
    def DiffConfig(self, request: Any, _context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        old, new = decode(request.old_inputs).value, decode(request.news).value
        serving.require(request.urn, configuring.foreign(new))
        changed = sorted(key for key in {**old, **new} if key != "version" and old.get(key) != new.get(key))
        replaces = changed if changed and configuring.another_cluster(old, new) else []
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replaces)

    @worded
    def Configure(self, request: Any, _context: Any) -> provider_pb2.ConfigureResponse:  # noqa: N802
        configuring.configure(self.session, self._known(request.args).value)
        serving.require(request.urn, self.session.foreign)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:  # noqa: N802
        text = f"the sandbox's plugin serves no functions ({request.tok})"
        raise RuntimeError(context.abort(grpc.StatusCode.UNIMPLEMENTED, text))  # abort raises

    @answered
    def Check(self, request: Any, _context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        return checking.check(self.session, request, self._known(request.olds), self._known(request.news))

    @answered
    def Diff(self, request: Any, _context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        old_inputs, old, new = (self._known(s) for s in (request.old_inputs, request.olds, request.news))
        return checking.compare(self.session, request, old_inputs, old, new)

    @answered
    def Create(self, request: Any, _context: Any) -> provider_pb2.CreateResponse:  # noqa: N802
        return lifecycle.create(self.session, request, self._known(request.properties))

    @answered
    def Read(self, request: Any, _context: Any) -> provider_pb2.ReadResponse:  # noqa: N802
        return lifecycle.read(
            self.session, request, self._known(request.inputs), self._known(request.properties)
        )

    @answered
    def Update(self, request: Any, _context: Any) -> provider_pb2.UpdateResponse:  # noqa: N802
        return lifecycle.update(self.session, request, self._known(request.olds), self._known(request.news))

    @answered
    def Delete(self, request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        lifecycle.delete(self.session, request, self._known(request.properties))
        return empty_pb2.Empty()

    def Cancel(self, _request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        self.session.cancelled.set()
        return empty_pb2.Empty()
