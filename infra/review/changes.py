"""A step of a plan as a change in words: what is new, what goes, and what of a resource becomes otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.review import (
    components,
    configuration,
    costs,
    hidden,
    identity,
    network,
    phrases,
    security,
    stateful,
)
from infra.review.amounts import told
from infra.review.change import Change, Line
from infra.review.differences import Difference, between, key_of
from infra.review.labels import Mark, normal
from infra.review.phrases import SECURE
from infra.review.plan import Op, Step
from infra.review.wording import counted, listed, value

MOST_PHRASES = 12
JOINED = 3  # so many phrases make one line
WORKLOADS = (*costs.WORKLOADS, "Job", "CronJob", "Pod")
COST = frozenset({Mark.COST})
ENTRANCES = ("Ingress", "Gateway", "HTTPRoute")


def change(step: Step) -> Change:
    """The change that the step is."""
    part = components.of(step)
    lines = tuple(_marked(line, step) for line in _lines(step, part.name))
    if step.before is not None and step.op is not Op.DELETE:
        lines += (Line(f"{_subject(step, part.name)}was changed by somebody else, and is set back"),)
    blocking = stateful.reasons(step)
    plainly = len(lines) == 1 and not blocking and not step.gone
    together = _together(step, lines[0]) if plainly else ""
    return Change(part, step.urn.text, step.urn.name, step.kind, step.op, lines, together, blocking)


def _together(step: Step, line: Line) -> str:
    """How a line begins that tells many such resources by their names."""
    if step.op is Op.DELETE:
        return "removed" if step.kind != "NetworkPolicy" else ""
    if step.op is Op.CREATE:
        return "new" if line.sentence.endswith(" is new") else ""
    if step.op is not Op.REPLACE or not {hidden.parsed(path)[:1] for path in step.paths} <= {("metadata",)}:
        return ""  # the engine knows of a change that may not be seen
    moved = [each for each in between(step.old, step.new) if not identity.is_consequence(each)]
    if [each.path for each in moved] == [("metadata", "namespace")]:
        return f"made anew in namespace {told(moved[0].after)}"
    return ""


def _marked(line: Line, step: Step) -> Line:
    """With what the resource's kind says by itself: who may do what, and what costs when it comes or goes."""
    marks = SECURE if security.concerns(step) else frozenset()
    coming = step.op in (Op.CREATE, Op.DELETE) or step.gone
    if coming and (step.kind in costs.DEAR or _is_balancer(step)):
        marks |= COST
    if coming and _is_outside(step):
        marks |= SECURE
    return Line(line.sentence, line.marks | marks, line.detail)


def _is_outside(step: Step) -> bool:
    spec = step.inputs.get("spec")
    kind = spec.get("type") if step.kind == "Service" and isinstance(spec, dict) else None
    return kind in security.OPEN_TYPES


def _is_balancer(step: Step) -> bool:
    return _is_outside(step) and step.inputs["spec"]["type"] == "LoadBalancer"


def _lines(step: Step, component: str) -> Iterator[Line]:
    if step.op in (Op.CREATE, Op.IMPORT):
        yield from _new(step, component)
    elif step.op in (Op.DELETE, Op.FORGET):
        yield _gone(step)
    elif configuration.is_configuration(step) and (found := configuration.lines(step, component)):
        yield from found
    else:
        yield from _otherwise(step, component)


def _thing(step: Step) -> str:
    return f"{step.kind} {value(components.own_name(step))}"


def _subject(step: Step, component: str) -> str:
    """Nothing for the workload that the part is about: its words are the part's."""
    own = step.kind in WORKLOADS and components.own_name(step) == component
    return "" if own else f"{_thing(step)} "


def _new(step: Step, component: str) -> Iterator[Line]:
    if step.kind == "Job":
        yield Line(f"{_thing(step)} runs")
    else:
        facts = "; ".join(_facts(step))
        how = {Op.IMPORT: "is taken over as it is"}.get(step.op, "is new")
        again = "was deleted by somebody else, and is made again" if step.gone else how
        yield Line(f"{_thing(step)} {again}{f': {facts}' if facts else ''}")
    for power in security.powers(step):
        yield Line(f"{_subject(step, component)}{power}", SECURE)


def _facts(step: Step) -> Iterator[str]:
    """What a reader wants to know of something new."""
    asked = costs.asked(step.kind, step.new)
    spec = step.new.get("spec")
    held: Mapping[str, Any] = spec if isinstance(spec, dict) else {}
    if isinstance(held.get("replicas"), int | float) and step.kind != "HorizontalPodAutoscaler":
        yield counted(int(held["replicas"]), "replica")
    if step.kind == "HorizontalPodAutoscaler":
        yield f"{told(held.get('minReplicas'))} to {told(held.get('maxReplicas'))} replicas"
    if words := asked.sentence():
        yield f"asks for {words.replace('+', '')}"
    if step.kind == "Service" and _is_outside(step):
        yield f"type {value(held['type'])}"
    if step.kind in ENTRANCES:
        yield from _entrance(step.kind, held)
    if step.kind == "NetworkPolicy":
        yield network.of_policy(step)
    if step.kind in ("Role", "ClusterRole") and isinstance(step.new.get("rules"), list):
        yield "; ".join(phrases.summary(step.kind, rule, "rules") for rule in step.new["rules"][:4])
    if step.kind == "CronJob":
        yield f"at {told(held.get('schedule'))}"


def _entrance(kind: str, spec: Mapping[str, Any]) -> Iterator[str]:
    if kind == "HTTPRoute":
        yield listed(spec.get("hostnames") or ["every host"])
        return
    if kind == "Gateway":
        listeners = [each for each in spec.get("listeners") or [] if isinstance(each, dict)]
        encrypted = any(each.get("tls") for each in listeners)
        yield f"{counted(len(listeners), 'listener')}, {'with' if encrypted else 'without'} TLS"
        return
    rules = spec.get("rules")
    hosts = [rule.get("host", "every host") for rule in rules if isinstance(rule, dict)] if rules else []
    yield f"{listed(hosts)}, {'with' if spec.get('tls') else 'without'} TLS"


def _gone(step: Step) -> Line:
    if step.op is Op.FORGET:
        return Line(f"{_thing(step)} is no longer this stack's, and stays")
    effect = f": {network.of_policy(step)}" if step.kind == "NetworkPolicy" else ""
    return Line(f"{_thing(step)} is removed{effect}")


def _otherwise(step: Step, component: str) -> Iterator[Line]:
    """What differs; phrases of one line are joined, and what they lead to stands at the end."""
    subject = _subject(step, component)
    told_elsewhere, differences = _sorted(step)
    containers = _container_count(step)
    found = [phrases.line(step.kind, each, containers) for each in differences]
    found += [Line(f"{value(key_of(path))} {what}") for path, what in _unseen(step, differences)]
    found += [Line(power, SECURE) for power in security.powers(step)]
    found.sort(key=lambda line: (Mark.SECURITY not in line.marks, not line.marks))  # for those that are cut
    effect = _effect(step, differences or told_elsewhere)
    if not found:
        found = [Line(_without_difference(step, bool(told_elsewhere)))]
    left = len(found) - MOST_PHRASES
    plain = [line for line in found[:MOST_PHRASES] if not line.detail]
    if len(plain) <= JOINED and left <= 0 and plain:
        marks = frozenset(mark for line in plain for mark in line.marks)
        joined = "; ".join(line.sentence for line in plain)
        yield Line(f"{subject}{joined}{f', {effect}' if effect else ''}", marks)
        plain, effect = [], ""
    yield from (Line(f"{subject}{line.sentence}", line.marks) for line in plain)
    for line in found[:MOST_PHRASES]:
        if line.detail:
            yield Line(f"{subject}{line.sentence}", line.marks, line.detail)
    if left > 0:
        marks = frozenset(mark for line in found[MOST_PHRASES:] for mark in line.marks)
        yield Line(f"{subject}{left} more of its fields change", marks)
    if effect:
        yield Line(f"{subject}{effect}")


def _sorted(step: Step) -> tuple[list[Difference], list[Difference]]:
    """What another line tells already, and the rest."""
    every = list(between(step.old, step.new))
    rest = [each for each in every if not identity.is_consequence(each)]
    if identity.by_content(step):
        rest = [each for each in rest if each.path != ("metadata", "name")]
    return [each for each in every if each not in rest], rest


def _unseen(step: Step, differences: list[Difference]) -> list[tuple[tuple[str, ...], str]]:
    """By the engine's paths; none of a property that is told already."""
    told_of = {each.path[0] for each in differences if each.path}
    found = list(hidden.paths(step))
    return [(path, what) for path, what in found if "hidden" in what or path[0] not in told_of]


def _without_difference(step: Step, elsewhere: bool) -> str:
    if elsewhere:
        return "takes its new configuration"
    reasons = listed(sorted({*step.forced, *step.paths}))
    return f"changes in {reasons}" if reasons else "changes in a way that the preview does not tell"


def _container_count(step: Step) -> int:
    pod = security.pod_of(step.inputs)
    held = pod.get("containers")
    return len(held) if isinstance(held, list) else 1


def _effect(step: Step, differences: list[Difference]) -> str:
    """What it leads to: a rollout, a restart, a new object."""
    if step.kind == "Job":
        return "runs again" if differences else ""
    rolls = any(normal(each.path)[:1] in (("pod",), ("template",)) for each in differences)
    if step.op is Op.REPLACE:
        return _anew(step)
    if step.kind == "CronJob" or not rolls:
        stored = any(each.path[-1:] == ("storage",) for each in differences)
        return "in place" if stored else ""
    return _rollout(step)


def _rollout(step: Step) -> str:
    spec = step.new.get("spec")
    number = spec.get("replicas") if isinstance(spec, dict) else None
    if step.kind == "DaemonSet":
        return "restart on every node"
    if not isinstance(number, int | float):
        return "rollout of its replicas"
    if step.kind == "StatefulSet":
        return "restart of its pod" if number == 1 else f"restart of its {number:g} pods"
    return f"rollout of {counted(int(number), 'replica')}"


def _anew(step: Step) -> str:
    places = [(identity.namespace(side), identity.named(side)) for side in (step.old, step.new)]
    if step.kind in WORKLOADS and places[0] == places[1]:
        return f"by a new {step.kind}: the old one is deleted first, with its pods"
    return "made anew"
