"""The gRPC face: each of the engine's requests to its operation, each error to an answer free of secrets."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from infra.sandbox.providers.aws import VERSION, operations, serving
from infra.sandbox.providers.aws.clients import Clients
from infra.sandbox.providers.aws.errors import in_words
from infra.sandbox.providers.shared.face import Face
from infra.sandbox.providers.shared.masking import Masks
from infra.sandbox.providers.shared.urns import logical_name
from infra.sandbox.providers.shared.values import decode

UNCONFIGURED = "the provider is not configured"
Answer = TypeVar("Answer")
Method = Callable[["Servicer", Any, grpc.ServicerContext], Answer]


def worded(method: Method[Answer]) -> Method[Answer]:
    """Turn whatever is raised into a status in words."""

    @wraps(method)
    def call(self: Servicer, request: Any, context: grpc.ServicerContext) -> Answer:
        try:
            return method(self, request, context)
        except Exception as error:
            raise self.aborted(context, str(in_words(error, logical_name(request.urn)))) from error

    return call


def answered(method: Method[Answer]) -> Method[Answer]:
    """Worded, and refused where the provider leads elsewhere than to this machine."""

    @wraps(method)
    def call(self: Servicer, request: Any, context: grpc.ServicerContext) -> Answer:
        serving.require(request.urn, self.foreign)
        return method(self, request, context)

    return worded(call)


class Servicer(Face):
    """One plugin process."""

    package, version = "aws", VERSION

    def __init__(self) -> None:
        super().__init__(Masks())
        self.foreign = UNCONFIGURED
        self.clients = Clients(serving.Settings())

    @worded
    def CheckConfig(self, request: Any, _context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        inputs = decode(request.news).value
        serving.require(request.urn, serving.foreign(inputs))
        problems = serving.problems(inputs)
        failures = [provider_pb2.CheckFailure(property=key, reason=why) for key, why in problems.items()]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @worded
    def DiffConfig(self, request: Any, _context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        old, new = decode(request.old_inputs).value, decode(request.news).value
        serving.require(request.urn, serving.foreign(new))
        changed = sorted(key for key in {**old, **new} if key != "version" and old.get(key) != new.get(key))
        # Another region is another place; an endpoint moves with every start of a server of this machine.
        replaces = ["region"] if "region" in changed and "region" in old else []
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replaces)

    @worded
    def Configure(self, request: Any, _context: Any) -> provider_pb2.ConfigureResponse:  # noqa: N802
        inputs = self.known(request.args).value
        self.foreign = serving.foreign(inputs)
        serving.require(request.urn, self.foreign)
        self.clients = Clients(serving.settings_of(inputs))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @answered
    def Check(self, request: Any, _context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        return operations.check(request, self.known(request.news))

    @answered
    def Diff(self, request: Any, _context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        return operations.compare(request, self.known(request.old_inputs), self.known(request.news))

    @answered
    def Create(self, request: Any, _context: Any) -> provider_pb2.CreateResponse:  # noqa: N802
        return operations.create(self.clients, request, self.known(request.properties))

    @answered
    def Read(self, request: Any, _context: Any) -> provider_pb2.ReadResponse:  # noqa: N802
        inputs, before = self.known(request.inputs), self.known(request.properties)
        return operations.read(self.clients, request, inputs, before)

    @answered
    def Update(self, request: Any, _context: Any) -> provider_pb2.UpdateResponse:  # noqa: N802
        old, old_inputs, new = (self.known(s) for s in (request.olds, request.old_inputs, request.news))
        return operations.update(self.clients, request, old, old_inputs, new)

    @answered
    def Delete(self, request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        operations.delete(self.clients, request, self.known(request.properties))
        return empty_pb2.Empty()

    def Cancel(self, _request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()  # every call of AWS here ends by itself within its time-outs
