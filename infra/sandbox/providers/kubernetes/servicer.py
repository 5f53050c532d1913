"""The gRPC face: each of the engine's requests to its operation, each error to an answer free of secrets."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from infra.sandbox.providers.kubernetes import VERSION, checking, configuring, lifecycle, serving
from infra.sandbox.providers.kubernetes.applying import in_words
from infra.sandbox.providers.kubernetes.engine import Engine
from infra.sandbox.providers.kubernetes.masking import Masks
from infra.sandbox.providers.kubernetes.session import Session
from infra.sandbox.providers.shared.face import Face
from infra.sandbox.providers.shared.urns import logical_name
from infra.sandbox.providers.shared.values import decode

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


class Servicer(Face):
    """One plugin process."""

    package, version = "kubernetes", VERSION

    def __init__(self, engine_address: str) -> None:
        masks = Masks()
        super().__init__(masks)
        self.session = Session(Engine(engine_address, masks), masks)

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
        configuring.configure(self.session, self.known(request.args).value)
        serving.require(request.urn, self.session.foreign)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @answered
    def Check(self, request: Any, _context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        return checking.check(self.session, request, self.known(request.olds), self.known(request.news))

    @answered
    def Diff(self, request: Any, _context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        old_inputs, old, new = (self.known(s) for s in (request.old_inputs, request.olds, request.news))
        return checking.compare(self.session, request, old_inputs, old, new)

    @answered
    def Create(self, request: Any, _context: Any) -> provider_pb2.CreateResponse:  # noqa: N802
        return lifecycle.create(self.session, request, self.known(request.properties))

    @answered
    def Read(self, request: Any, _context: Any) -> provider_pb2.ReadResponse:  # noqa: N802
        return lifecycle.read(
            self.session, request, self.known(request.inputs), self.known(request.properties)
        )

    @answered
    def Update(self, request: Any, _context: Any) -> provider_pb2.UpdateResponse:  # noqa: N802
        return lifecycle.update(self.session, request, self.known(request.olds), self.known(request.news))

    @answered
    def Delete(self, request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        lifecycle.delete(self.session, request, self.known(request.properties))
        return empty_pb2.Empty()

    def Cancel(self, _request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        self.session.cancelled.set()
        return empty_pb2.Empty()
