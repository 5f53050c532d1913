"""An autoscaler's say over a Deployment's replicas, when it is switched on and off; no pod is started."""

from __future__ import annotations

import json

import pulumi
import pulumi_kubernetes as k8s
import pytest

from infra.components.autoscaler import replicas
from infra.settings.service import Autoscaling, Service
from tests.live.provider.conftest import Declare, World
from tests.live.provider.shapes import container, workload

pytestmark = [pytest.mark.live, pytest.mark.slow]
SCALING = Service(autoscaling=Autoscaling(enabled=True))


def deployment(world: World, service: Service, *, history: int = 5) -> Declare:
    """A paused Deployment has no pods, and its ``replicas`` field behaves as ever."""
    wanted = replicas(service)

    def declare(opts: pulumi.ResourceOptions) -> None:
        keep = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=wanted.ignored))
        spec = workload("scaled", container(world.image), paused=True, revisionHistoryLimit=history)
        spec |= {"replicas": wanted.count} if wanted.count is not None else {}
        annotations = {"pulumi.com/skipAwait": "true", **(wanted.annotations or {})}
        metadata = {"name": "scaled", "annotations": annotations}
        k8s.apps.v1.Deployment("scaled", metadata=metadata, spec=spec, opts=keep)

    return declare


def live(world: World) -> int:
    return int(world.kube.get("deployment", "scaled")["spec"]["replicas"])


def scale(world: World, count: int) -> None:
    """As the autoscaler does it: the scale subresource, under its controller's name."""
    patch = json.dumps({"spec": {"replicas": count}})
    manager = "--field-manager=kube-controller-manager"
    world.kube("patch", "deployment", "scaled", "--subresource=scale", manager, "--type=merge", f"-p={patch}")


def test_an_autoscaler_is_switched_on_and_off_without_a_jump(world: World) -> None:
    assert world.up(deployment(world, Service(replicas=3))).ok
    on = world.up(deployment(world, SCALING))
    assert on.ok, on.text
    assert live(world) == 3, "the pods that ran before keep running"
    scale(world, 5)
    for flags in ((), ("--refresh",)):
        again = world.up(deployment(world, SCALING, history=6 + len(flags)), *flags)
        assert again.ok, again.text
        assert live(world) == 5, "an up changes nothing that the autoscaler chose"
    off = world.up(deployment(world, Service(replicas=2)))
    assert off.ok, off.text
    assert live(world) == 2
