"""Who decides how many pods a Deployment has: the stack file, or a HorizontalPodAutoscaler."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_kubernetes import autoscaling

from infra.components.base import Component
from infra.settings.service import Service

# Once autoscaling is off, kube-controller-manager still owns the number: a plain apply would be a conflict.
TAKE_BACK = {"pulumi.com/patchForce": "true"}


@dataclass(frozen=True)
class Replicas:
    """``count`` of a Deployment, what Pulumi is to ignore in it, and its annotations."""

    count: int | None
    ignored: list[str] | None
    annotations: dict[str, str] | None


def replicas(settings: Service) -> Replicas:
    """What the Deployment says about its number of pods: nothing while the autoscaler decides.

    Leaving the field out alone would cut a stack that had a number down to one pod: server-side apply unsets
    a field whose only owner sends it no more, and the default is 1. As the field is ignored too, the engine
    keeps the number applied last, and the provider sends it until the autoscaler has set one (pulumi-
    kubernetes, ``handleSSAIgnoreFields``). A new stack starts with one pod and is raised to ``min_replicas``
    at the autoscaler's first look, which needs no metrics.
    """
    if settings.autoscaling.enabled:
        return Replicas(None, ["spec.replicas"], None)
    return Replicas(settings.replicas, None, TAKE_BACK)


def autoscaler(
    owner: Component, part: str, deployment: str, settings: Service
) -> autoscaling.v2.HorizontalPodAutoscaler:
    """Scales the Deployment of that name by its mean CPU use, in percent of the request."""
    scaling = settings.autoscaling
    target = autoscaling.v2.MetricTargetArgs(type="Utilization", average_utilization=scaling.cpu_percent)
    return autoscaling.v2.HorizontalPodAutoscaler(
        owner.child(part),
        metadata=owner.metadata(deployment, owner.name),
        spec=autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
            scale_target_ref=autoscaling.v2.CrossVersionObjectReferenceArgs(
                api_version="apps/v1", kind="Deployment", name=deployment
            ),
            min_replicas=scaling.min_replicas,
            max_replicas=scaling.max_replicas,
            metrics=[
                autoscaling.v2.MetricSpecArgs(
                    type="Resource",
                    resource=autoscaling.v2.ResourceMetricSourceArgs(name="cpu", target=target),
                )
            ],
        ),
        opts=owner.options(),
    )
