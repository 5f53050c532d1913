"""What the program declares for a stack, without an engine: it runs here, before a monitor that keeps notes.

No cluster, cloud, backend or secret is asked (docs/decisions/0028): what AWS would answer is made up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import wait_for_rpcs

from infra.names import PROJECT
from infra.policy.planned import Options, Resource, plain
from infra.program import build
from infra.settings.load import Secrets
from infra.settings.model import Settings

THREADS = 4
SECRET_CHARS = 43  # as long as those that slipway makes


def declared(settings: Settings) -> list[Resource]:
    """Every resource of the stack by its URN, secrets masked.

    Raises whatever the program raises: UserError where something that the stack names cannot be used.
    """
    stack = str(settings.stack)
    monitor = _Monitor(stack)
    loops: list[asyncio.AbstractEventLoop] = []
    executor = ThreadPoolExecutor(THREADS, initializer=lambda: loops.append(_loop_of_thread()))

    async def program() -> None:
        asyncio.get_running_loop().set_default_executor(executor)
        silent = logging.getLogger(__name__)
        silent.addHandler(logging.NullHandler())
        pulumi.runtime.set_mocks(
            monitor.answers, project=PROJECT, stack=stack, monitor=monitor, logger=silent
        )
        SETTINGS.outputs.clear()  # what a program that was refused before has left of its own loop
        build(settings, _secrets(settings))
        await wait_for_rpcs()

    try:
        asyncio.run(program())
    finally:
        for loop in loops:
            loop.close()
    return sorted(monitor.kept, key=lambda resource: resource.urn)


def _secrets(settings: Settings) -> Secrets:
    """Something in the place of each secret. It is marked as one, so that it shows up wherever one would."""
    return {
        name: pulumi.Output.secret(f"planned-{name}-".ljust(SECRET_CHARS, "x"))
        for name in settings.secret_names
    }


class _Answers(mocks.Mocks):
    """What a provider would answer: the inputs, and what AWS alone knows."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return f"{args.name}-id", {**args.inputs, **_of_aws(args)}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:  # noqa: ARG002
        return {}, None


def _of_aws(args: mocks.MockResourceArgs) -> Mapping[str, str]:
    if not args.typ.startswith("aws:"):
        return {}
    service = args.typ.split(":")[1].partition("/")[0]
    made = {"arn": f"arn:aws:{service}:::{args.inputs.get('bucket', args.name)}"}
    return {**made, "secret": "x" * SECRET_CHARS} if args.typ.endswith(":AccessKey") else made


class _Monitor(mocks.MockMonitor):
    """The SDK's own stand-in for the engine, which also keeps what is asked of it."""

    def __init__(self, stack: str) -> None:
        self.stack, self.answers, self.kept = stack, _Answers(), list[Resource]()
        super().__init__(self.answers)

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The SDK's own asks a context that its worker threads do not have."""
        of_parent = f"{parent.split('::')[2]}$" if parent and "pulumi:pulumi:Stack" not in parent else ""
        return f"urn:pulumi:{self.stack}::{PROJECT}::{of_parent}{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the SDK's name
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        options = Options(request.protect, request.retainOnDelete, tuple(request.ignoreChanges))
        inputs = plain(rpc.deserialize_properties(request.object))
        self.kept.append(Resource(answer.urn, request.type, request.name, inputs, options))
        return answer


def _loop_of_thread() -> asyncio.AbstractEventLoop:
    """The monitor awaits in worker threads and would leave one open loop in each."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop
