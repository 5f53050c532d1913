"""Builds a stack under Pulumi's mocks and hands back every resource it declared, as plain data."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pulumi
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime.stack import wait_for_rpcs

from infra.paths import stacks_dir
from infra.program import build
from infra.settings import document, model
from infra.settings.merge import merge
from infra.settings.model import Settings, defaults
from infra.settings.secrets import SecretName
from infra.settings.stack import StackName

T = TypeVar("T")
SECRETS = {name: f"canary-{name.value}-".ljust(43, "x") for name in SecretName}


@dataclass
class Recorder(pulumi_mocks.Mocks):
    """Keeps what was declared, in order, what each resource leaves to others (ignoreChanges), and which
    resources it waits for (names)."""

    resources: list[pulumi_mocks.MockResourceArgs] = field(default_factory=list)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    awaited: dict[str, set[str]] = field(default_factory=dict)

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources.append(args)
        return f"{args.name}-id", {**args.inputs, **_computed(args)}

    def call(self, args: pulumi_mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


def _computed(args: pulumi_mocks.MockResourceArgs) -> dict[str, str]:
    """What AWS gives a resource and no program says: its ARN, and the secret of an access key."""
    if not args.typ.startswith("aws:"):
        return {}
    secret = {"secret": f"issued-{args.name}".ljust(40, "x")} if args.typ.endswith(":AccessKey") else {}
    return {"arn": f"arn:aws:test:::{args.name}", **secret}


class Monitor(pulumi_mocks.MockMonitor):
    """The SDK's own mock monitor drops a resource's options; this one tells the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.recorder = recorder

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the SDK's name
        self.recorder.ignored[request.name] = list(request.ignoreChanges)
        self.recorder.awaited[request.name] = {urn.rpartition("::")[2] for urn in request.dependencies}
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Built:
    """What one stack declares and exports. By Pulumi name: ``ignored``, the property paths left to others;
    ``awaited``, the names of the resources that are there before."""

    resources: list[pulumi_mocks.MockResourceArgs]
    exports: dict[str, Any]
    ignored: dict[str, list[str]] = field(default_factory=dict)
    awaited: dict[str, set[str]] = field(default_factory=dict)

    def kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """Pulumi name → inputs of every Kubernetes resource of that kind."""
        return {
            item.name: item.inputs
            for item in self.resources
            if item.typ.startswith("kubernetes:") and item.typ.endswith(f":{kind}")
        }

    def pods(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every pod spec with the name of the resource that holds it."""
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            for name, inputs in self.kind(kind).items():
                yield name, inputs["spec"]["template"]["spec"]
        for name, inputs in self.kind("CronJob").items():
            yield name, inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]

    @property
    def ending(self) -> set[str]:
        """The resources whose pods end: nobody asks them whether they are ready."""
        return {*self.kind("Job"), *self.kind("CronJob")}


def settings(stack: str = "sandbox", **sections: Any) -> Settings:
    """The stack's profile with ``sections`` over it, without a stack file."""
    name = StackName.parse(stack)
    profile = document.read(stacks_dir() / "profiles" / f"{name.environment}.yaml").data
    if stack != "sandbox":
        profile = merge(
            profile,
            {
                "cluster": {"context": "elsewhere"},
                "images": {
                    "service": "registry.example/team/service:1.4.2",
                    "backups": "registry.example/team/backups:1.4.2",
                },
            },
        )
    merged = merge(merge(defaults(), profile), sections)
    return model.of(Settings, name, merged)


def built(wanted: Settings, secrets: dict[SecretName, str] | None = None) -> Built:
    """Run the whole program. Exceptions of the program come out as they are."""
    values = {name: (secrets or SECRETS)[name] for name in wanted.secret_names}
    recorder = Recorder()

    async def program() -> dict[str, Any]:
        outputs = build(wanted, {name: pulumi.Output.secret(value) for name, value in values.items()})
        return {name: await pulumi.Output.from_input(value).future() for name, value in outputs.items()}

    exports = running(program, recorder, str(wanted.stack))
    return Built(recorder.resources, exports, recorder.ignored, recorder.awaited)


def running(
    program: Callable[[], Awaitable[T]], recorder: Recorder | None = None, stack: str = "sandbox"
) -> T:
    """Run ``program`` under mocks and wait until everything it declared is registered."""
    loops: list[asyncio.AbstractEventLoop] = []
    executor = ThreadPoolExecutor(4, initializer=lambda: loops.append(_own_loop()))

    async def whole() -> T:
        asyncio.get_running_loop().set_default_executor(executor)
        kept = recorder or Recorder()
        pulumi.runtime.set_mocks(kept, project="slipway", stack=stack, monitor=Monitor(kept))
        result = await program()
        await wait_for_rpcs()
        return result

    try:
        return asyncio.run(whole())
    finally:
        for loop in loops:
            loop.close()


def _own_loop() -> asyncio.AbstractEventLoop:
    """The mocks' monitor awaits in worker threads and would leave one open loop in each."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop
