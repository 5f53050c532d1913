"""Rules on every object: its labels, and that no secret stands outside a Secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra import names
from infra.policy.plan import Plan, Pod
from infra.policy.planned import SECRET, UNKNOWN, Resource, at, joined, mappings, strings
from infra.policy.rule import Breach, Rule
from infra.settings.flaw import SECRETIVE

INSTANCE = "app.kubernetes.io/instance"
LABELS = tuple(names.labels("", ""))
TAGGED = frozenset({"Bucket", "Policy", "Role", "User"})
# Names that only sound like a secret's: what they hold is where, who or how long.
ABOUT = re.compile(
    r"(FILE|PATH|DIR|FOLDER|NAME|ISSUER|AUDIENCE|SECONDS|MINUTES|HOURS|DAYS|CLAIM|HEADER|URL)$", re.IGNORECASE
)
# A path, a number, a switch, or a reference such as $(PASSWORD) and Grafana's $__file{path}.
HARMLESS = re.compile(r"/.*|[\d.]*|true|false|\$\w*[({].*[)}]", re.DOTALL)
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
SHAPES = (  # each with how it begins: that is found first, and quickly
    ("-----BEGIN", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"), "a private key"),
    ("://", re.compile(r"://[^/\s:@'\"{}$]*:[^/\s:@'\"{}$]+@"), "a password in an address"),
    ("AKIA", re.compile(r"\bAKIA[A-Z0-9]{16}\b"), "an access key of AWS"),
    ("ASIA", re.compile(r"\bASIA[A-Z0-9]{16}\b"), "an access key of AWS"),
    ("gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}"), "a token of GitHub"),
    ("glpat-", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"), "a token of GitLab"),
    ("xox", re.compile(r"\bxox[abp]-[A-Za-z0-9-]{20,}"), "a token of Slack"),
    ("sk-", re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"), "a key of a service"),
)


def _labels(plan: Plan) -> Iterator[Breach]:
    for found in plan.objects():
        if isinstance(found.properties.get("metadata"), Mapping):
            yield from _labelled(plan, found, ("metadata", "labels"))
    for pod in plan.pods:
        yield from _of_template(plan, pod)
    for kind in TAGGED:
        for found in plan.at_aws(kind):
            yield from _labelled(plan, found, ("tags",))


def _of_template(plan: Plan, pod: Pod) -> Iterator[Breach]:
    holder = tuple(part for part in pod.path.split(".")[:-1] if part)
    if holder:  # a bare pod is the object itself
        yield from _labelled(plan, pod.resource, (*holder, "metadata", "labels"))


def _labelled(plan: Plan, found: Resource, path: tuple[str, ...]) -> Iterator[Breach]:
    labels = at(found.properties, *path)
    if labels in (UNKNOWN, SECRET):
        return
    missing = [label for label in LABELS if not at(labels, label)]
    if missing:
        yield Breach(found, joined(*path), f"lack {', '.join(missing)}")
    elif at(labels, INSTANCE) not in (plan.stack, UNKNOWN):
        what = f"is {at(labels, INSTANCE)}, and the stack is {plan.stack}"
        yield Breach(found, joined(*path, INSTANCE), what)


def _secrets(plan: Plan) -> Iterator[Breach]:
    for found in plan.objects():
        if found.kind != "Secret":
            yield from _told(found)
    for found in plan.objects("ConfigMap"):
        data = found.properties.get("data")
        for key, value in data.items() if isinstance(data, Mapping) else ():
            yield from _variable(found, joined("data", key), key, value)
    for pod in plan.pods:
        for container in pod.containers:
            for index, variable in mappings(container.data.get("env")):
                path = f"{container.path}.env[{index}].value"
                yield from _variable(pod.resource, path, str(variable.get("name")), variable.get("value"))


def _told(found: Resource) -> Iterator[Breach]:
    """Values that Pulumi knows to be secret, and texts that look like one by themselves."""
    whole = json.dumps(found.properties, ensure_ascii=False, default=str)
    if SECRET not in whole and _looks_like(whole) is None:
        return  # looked for once in all of it: most objects are done with here
    for path, value in strings(found.properties):
        if value == SECRET:
            yield Breach(found, path, "is the value of a secret, and whoever may list the objects reads it")
        elif what := _looks_like(value):
            yield Breach(found, path, f"holds what looks like {what}")


def _looks_like(value: str) -> str | None:
    return next((what for word, shape, what in SHAPES if word in value and shape.search(value)), None)


def _variable(found: Resource, path: str, name: str, value: Any) -> Iterator[Breach]:
    """A plain value of a variable whose name is a secret's."""
    if not isinstance(value, str) or value in (SECRET, UNKNOWN) or HARMLESS.fullmatch(value):
        return
    if VARIABLE.fullmatch(name) and SECRETIVE.search(name) and not ABOUT.search(name):
        yield Breach(found, path, f"is a plain value of {name}, a name for a secret")


RULES = (
    Rule(
        "secrets-stay-in-secrets",
        "No secret's value stands outside a Secret: in no variable, argument, ConfigMap or annotation.",
        "Those are read by everybody who may look at the stack, and kept in its history.",
        "keep it in slipway:secrets, and let the pod read it from a Secret: by envFrom.secretRef, or a file",
        _secrets,
        alone=True,
    ),
    Rule(
        "objects-are-labelled",
        f"Objects, pods and resources of AWS carry {', '.join(LABELS)}; {INSTANCE} is the stack.",
        "By them one finds what belongs to a stack, who made it and who pays for it.",
        "take the labels of infra/names.py (names.labels)",
        _labels,
        alone=True,
    ),
)
