"""Who decides how many pods a Deployment has: the stack file, or a HorizontalPodAutoscaler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pulumi_kubernetes import autoscaling, meta

from infra.components.base import Component
from infra.render import adapter
from infra.settings.service import Autoscaling, Service

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
    owner: Component, part: str, deployment: str, settings: Service, labels: Mapping[str, str]
) -> autoscaling.v2.HorizontalPodAutoscaler:
    """Scales the Deployment of that name by its mean CPU use, in percent of the request, and where asked for
    by the requests of its pods. ``labels``: by which those are told from others of the service."""
    scaling = settings.autoscaling
    return autoscaling.v2.HorizontalPodAutoscaler(
        owner.child(part),
        metadata=owner.metadata(deployment, owner.name),
        spec=autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
            scale_target_ref=autoscaling.v2.CrossVersionObjectReferenceArgs(
                api_version="apps/v1", kind="Deployment", name=deployment
            ),
            min_replicas=scaling.min_replicas,
            max_replicas=scaling.max_replicas,
            metrics=[_by_cpu(scaling.cpu_percent), *_by_requests(owner, scaling, labels)],
            behavior=autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                scale_up=_patience(scaling.scale_up_seconds), scale_down=_patience(scaling.scale_down_seconds)
            ),
        ),
        opts=owner.options(),
    )


def _by_cpu(percent: int) -> autoscaling.v2.MetricSpecArgs:
    target = autoscaling.v2.MetricTargetArgs(type="Utilization", average_utilization=percent)
    resource = autoscaling.v2.ResourceMetricSourceArgs(name="cpu", target=target)
    return autoscaling.v2.MetricSpecArgs(type="Resource", resource=resource)


def _by_requests(
    owner: Component, scaling: Autoscaling, labels: Mapping[str, str]
) -> Iterator[autoscaling.v2.MetricSpecArgs]:
    """All requests of the Service, divided by its pods: the adapter knows the Service and no pod."""
    if scaling.requests_per_second is None:
        return
    selector = meta.v1.LabelSelectorArgs(match_labels=dict(labels)) if labels else None
    yield autoscaling.v2.MetricSpecArgs(
        type="Object",
        object=autoscaling.v2.ObjectMetricSourceArgs(
            described_object=autoscaling.v2.CrossVersionObjectReferenceArgs(
                api_version="v1", kind="Service", name=owner.name
            ),
            metric=autoscaling.v2.MetricIdentifierArgs(name=adapter.METRIC, selector=selector),
            target=autoscaling.v2.MetricTargetArgs(
                type="AverageValue", average_value=str(scaling.requests_per_second)
            ),
        ),
    )


def _patience(seconds: int) -> autoscaling.v2.HPAScalingRulesArgs:
    return autoscaling.v2.HPAScalingRulesArgs(stabilization_window_seconds=seconds)
