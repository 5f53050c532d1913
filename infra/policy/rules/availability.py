"""Rules on how many pods there are: who decides, and how many may go at once."""

from __future__ import annotations

from collections.abc import Iterator

from infra.policy.plan import STAYING, Plan, Pod, place_of, target_of
from infra.policy.planned import UNKNOWN, Resource, at, joined, mappings
from infra.policy.rule import Breach, Rule, said

REPLICAS = "spec.replicas"
SCALED = frozenset({"Deployment", "StatefulSet", "Rollout"})


def _fought_over(plan: Plan) -> Iterator[Breach]:
    for workload in plan.objects(*SCALED):
        scaler, count = plan.scaler(workload), at(workload.properties, "spec", "replicas")
        if scaler and count is not None and REPLICAS not in workload.options.ignored:
            decides = f"the HorizontalPodAutoscaler {scaler.name} decides how many there are"
            yield Breach(workload, REPLICAS, f"{said(REPLICAS, count)}, and {decides}")


def _without_measure(plan: Plan) -> Iterator[Breach]:
    pods = {place_of(pod.resource): pod for pod in plan.pods if pod.stays}
    for scaler in plan.objects("HorizontalPodAutoscaler"):
        place = target_of(scaler)
        if UNKNOWN in place:
            continue
        if place not in pods:
            what = f"{place[1]} {place[2]} is not part of the stack"
            yield Breach(scaler, "spec.scaleTargetRef", what, "name the Deployment that it is to scale")
            continue
        for _, metric in mappings(at(scaler.properties, "spec", "metrics")):
            if at(metric, "resource", "target", "type") == "Utilization":
                yield from _unrequested(pods[place], str(at(metric, "resource", "name")), scaler)


def _unrequested(pod: Pod, measure: str, scaler: Resource) -> Iterator[Breach]:
    for container in (each for each in pod.containers if not each.initial):
        if at(container.data, "resources", "requests", measure) is None:
            path = joined(container.path, "resources", "requests", measure)
            what = f"is missing, and the HorizontalPodAutoscaler {scaler.name} counts in percent of it"
            yield Breach(pod.resource, path, what)


def _without_budget(plan: Plan) -> Iterator[Breach]:
    for pod in (pod for pod in plan.pods if pod.resource.kind in SCALED):
        least = plan.least(pod.resource)
        if isinstance(least, int) and least > 1 and not plan.budgets(pod):
            what = f"no PodDisruptionBudget selects its {least} pods"
            yield Breach(pod.resource, "spec.selector", what)


def _stuck(plan: Plan) -> Iterator[Breach]:
    for pod in (pod for pod in plan.pods if pod.resource.kind in STAYING):
        least = plan.least(pod.resource)
        for budget in plan.budgets(pod):
            spec = at(budget.properties, "spec")
            most, kept = at(spec, "maxUnavailable"), at(spec, "minAvailable")
            if most in (0, "0", "0%"):
                yield Breach(budget, "spec.maxUnavailable", f"is {most}: no pod may ever go")
            elif kept == "100%" or (isinstance(kept, int) and isinstance(least, int) and kept >= least):
                what = f"is {kept}, and {pod.resource.name} has {least} at least: no pod may ever go"
                yield Breach(budget, "spec.minAvailable", what)


RULES = (
    Rule(
        "autoscalers-own-replicas",
        "A workload with a HorizontalPodAutoscaler says nothing of its number of pods.",
        "Every `pulumi up` would set back what the load has asked for.",
        f"leave spec.replicas out, and add it to ignore_changes ([{REPLICAS}])",
        _fought_over,
    ),
    Rule(
        "autoscalers-have-requests",
        "A HorizontalPodAutoscaler scales something of the stack, whose containers request what it measures.",
        "Without the request there are no percents: the autoscaler stands still, at peak load too.",
        "set resources.requests for that measure in every container of the pod",
        _without_measure,
    ),
    Rule(
        "replicas-have-a-budget",
        "Two pods and more have a PodDisruptionBudget.",
        "Maintenance of a node may otherwise end all of them at once.",
        "add a PodDisruptionBudget with maxUnavailable: 1 for its selector",
        _without_budget,
    ),
    Rule(
        "budgets-let-nodes-drain",
        "A PodDisruptionBudget lets one pod go at least.",
        "A node that cannot be drained is not mended: updates of the cluster stop there.",
        "set maxUnavailable: 1, or minAvailable below the least number of pods",
        _stuck,
    ),
)
