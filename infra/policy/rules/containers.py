"""Rules on what a container declares: its resources, its probes, its image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.policy.plan import Plan
from infra.policy.planned import UNKNOWN, at, joined
from infra.policy.rule import Breach, Rule

NEEDED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
# What nobody moves by custom: a version of two numbers at least and what follows it, or a commit or content
# hash, a day or a version of three numbers behind a name.
FIXED = re.compile(
    r"v?\d+\.\d+[\w.+-]*"
    r"|([\w.+-]*[-_.])?([0-9a-f]{7,64}|20\d\d[-.]?[01]\d[-.]?[0-3]\d([-_.]?\d+)?|v?\d+\.\d+\.\d+[\w.+-]*)"
)
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")


def tag_of(image: str) -> str:
    """An image reference's tag; empty where it has none."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2]


def moves(image: str) -> str | None:
    """Why the reference may mean another image tomorrow; None where it is fixed."""
    if DIGEST.fullmatch(image):
        return None
    tag = tag_of(image)
    if not tag:
        return "has no tag, which means latest"
    if FIXED.fullmatch(tag):
        return None
    if re.fullmatch(r"v?\d{1,2}([-_].*)?", tag):
        return f"has the tag {tag}, which moves with every release of that series"
    return f"has the tag {tag}, which names no version and is moved"


def _moving(plan: Plan) -> Iterator[Breach]:
    for pod in plan.pods:
        for container in pod.containers:
            image = container.data.get("image")
            if isinstance(image, str) and image != UNKNOWN and (why := moves(image)):
                yield Breach(pod.resource, f"{container.path}.image", f"{image} {why}")


def _resources(plan: Plan) -> Iterator[Breach]:
    for pod in plan.pods:
        for container in pod.containers:
            for part, kind in NEEDED:
                if at(container.data, "resources", part, kind) is None:
                    path = joined(container.path, "resources", part, kind)
                    yield Breach(pod.resource, path, f"is missing for the container {container.name}")


def _probes(plan: Plan) -> Iterator[Breach]:
    for pod in (pod for pod in plan.pods if pod.stays):
        lasting = [container for container in pod.containers if not container.initial]
        for container in lasting:
            for key in ("readinessProbe", "livenessProbe"):
                if container.data.get("ports") and not container.data.get(key):
                    what = f"is missing, and the container {container.name} listens on a port"
                    yield Breach(pod.resource, f"{container.path}.{key}", what)
        if lasting and not any(each.data.get("livenessProbe") or each.data.get("ports") for each in lasting):
            what = "have no livenessProbe, and the pod is to stay"
            yield Breach(pod.resource, joined(pod.path, "containers"), what)


RULES = (
    Rule(
        "containers-have-requests-and-a-memory-limit",
        "Every container requests CPU and memory, and has a memory limit.",
        "Without requests the scheduler fills a node until it stalls; without the limit one container takes "
        "the memory of all others.",
        "set resources.requests.cpu, resources.requests.memory and resources.limits.memory",
        _resources,
        alone=True,
    ),
    Rule(
        "servers-have-probes",
        "A container that listens has a readiness and a liveness probe, a pod that stays a liveness probe.",
        "Without readiness a rollout sends requests to what cannot answer yet; without liveness nobody "
        "restarts what hangs.",
        "set readinessProbe and livenessProbe; liveness asks nothing but the program itself",
        _probes,
        alone=True,
    ),
    Rule(
        "images-do-not-move",
        "An image is named by a version, a commit or a digest.",
        "What was tested is what runs, on every node and after every restart, and a rollback has somewhere "
        "to go.",
        "name a version (1.4.2), a commit or a digest (@sha256:…), and push it once only",
        _moving,
        alone=True,
    ),
)
