"""Interruptions, a killed engine, a cluster that does not answer, stacks and features that are not served."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest
import yaml

from tests.live.provider.conftest import Declare, World
from tests.live.provider.engine import Engine
from tests.live.provider.shapes import container, workload

pytestmark = [pytest.mark.live, pytest.mark.slow]
SILENT = """
apiVersion: v1
kind: Config
current-context: silent
clusters: [{name: silent, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: nobody, user: {token: none}}]
contexts: [{name: silent, context: {cluster: silent, user: nobody}}]
"""


def eventually(fact: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether a fact comes true in time."""
    until = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def plugins(environment: dict[str, str]) -> set[int]:
    """The plugin processes of this suite's engines."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                mine = environment["PULUMI_HOME"].encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if mine and b"pulumi-resource-kubernetes" in command:
                found.add(int(entry.name))
    return found


def waiting(world: World, name: str, *, ready: bool) -> Declare:
    def declare(opts: pulumi.ResourceOptions) -> None:
        probe = {"exec": {"command": ["true" if ready else "false"]}, "periodSeconds": 1}
        main = container(world.image, readinessProbe=probe)
        spec = workload(name, main, replicas=1, strategy={"type": "Recreate"})
        k8s.apps.v1.Deployment(name, metadata={"name": name}, spec=spec, opts=opts)

    return declare


def test_an_interrupted_wait_is_recorded_and_the_next_up_goes_on_with_it(world: World) -> None:
    program = world.program(waiting(world, "interrupted", ready=False))
    with world.engine.running("up", program, "--yes", "--skip-preview") as (process, outcome):
        assert eventually(lambda: bool(world.kube.get("deployment", "interrupted")))
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=60)
    assert not outcome(text).ok
    assert world.engine.recorded("interrupted")["id"] == f"{world.namespace}/interrupted"
    mended = world.up(waiting(world, "interrupted", ready=True))
    assert mended.ok, mended.text
    assert mended.op("interrupted") == "update"


def test_after_a_killed_engine_the_plugin_ends_and_the_next_up_finds_its_object(
    world: World, ours_alone: None
) -> None:
    program = world.program(waiting(world, "orphan", ready=False))
    with world.engine.running("up", program, "--yes", "--skip-preview") as (process, _):
        assert eventually(lambda: bool(world.kube.get("deployment", "orphan")))
        assert plugins(world.engine.environment)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert eventually(lambda: not plugins(world.engine.environment))
    world.engine.cancel()
    uid = world.kube.get("deployment", "orphan")["metadata"]["uid"]
    mended = world.up(waiting(world, "orphan", ready=True))
    assert mended.ok, mended.text
    assert world.kube.get("deployment", "orphan")["metadata"]["uid"] == uid


def test_a_cluster_that_does_not_answer_is_named_with_its_address(world: World) -> None:
    def run() -> None:
        provider = k8s.Provider("silent", kubeconfig=SILENT)
        k8s.core.v1.ConfigMap("lost", data={"a": "1"}, opts=pulumi.ResourceOptions(provider=provider))

    engine = Engine(world.engine.folder.parent / "silent", world.engine.environment, "test-silent")
    engine.start()
    assert engine.preview(run).ok, "a preview goes on without a cluster"
    refused = engine.up(run)
    assert not refused.ok
    assert "127.0.0.1:9" in refused.text


def test_another_stack_is_served_on_the_sandboxs_cluster_only(
    world: World, kubeconfig: str, ours_alone: None
) -> None:
    given = {"kubeconfig": kubeconfig}

    def run() -> None:
        provider = k8s.Provider("cluster", namespace=world.namespace, **given)
        k8s.core.v1.ConfigMap("tried", data={"a": "1"}, opts=pulumi.ResourceOptions(provider=provider))

    engine = Engine(world.engine.folder.parent / "prod", world.engine.environment, "ledger-prod")
    engine.start()
    served = engine.up(run)
    assert served.ok, served.text
    unmarked = yaml.safe_load(Path(kubeconfig).read_text())
    del unmarked["clusters"][0]["cluster"]["extensions"]
    given["kubeconfig"] = yaml.safe_dump(unmarked)
    for verb in ("preview", "up"):
        refused = engine.run(verb, run, *(["--yes", "--skip-preview"] if verb == "up" else []))
        assert not refused.ok
        assert "stack ledger-prod: pulumi-resource-kubernetes on PATH" in refused.text
        assert "pulumi plugin install resource kubernetes 4.34.2" in refused.text
    assert engine.destroy().ok


def test_what_is_not_served_is_refused_by_name(world: World, ours_alone: None) -> None:

    def declare(opts: pulumi.ResourceOptions) -> None:
        k8s.core.v1.ConfigMapPatch("patched", metadata={"name": "a"}, data={"a": "1"}, opts=opts)

    refused = world.preview(declare)
    assert not refused.ok
    assert "ConfigMapPatch" in refused.said("patched")
