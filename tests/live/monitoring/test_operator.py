"""What is rendered for prometheus-operator, against the kinds as it defines them: the API server judges.

The definitions are applied for these tests and taken away again; of the objects nothing stays (dry run).
"""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.render import generate, operator
from infra.sandbox import go
from infra.settings import check, layers
from infra.settings.model import Settings
from tests.infra.monitoring import stacks
from tests.live.conftest import Kubectl

pytestmark = [pytest.mark.live, pytest.mark.slow]
MODULE = "github.com/prometheus-operator/prometheus-operator"
SOURCE = Path(__file__).parent / "definitions"
KINDS = ("servicemonitors", "probes", "prometheusrules", "alertmanagerconfigs")
TEAMS = [name for name in layers.discover() if name != "sandbox"]


@pytest.fixture(scope="module")
def definitions(kubectl: Kubectl) -> Iterator[list[str]]:
    """The operator's kinds exist while these tests run. A cluster that has them already keeps its own."""
    names = [f"{kind}.{operator.GROUP}" for kind in KINDS]
    there = kubectl("get", "customresourcedefinitions", "--output=name", "--ignore-not-found", *names)
    if there:
        pytest.fail(f"the sandbox has kinds of prometheus-operator that are not this test's: {there}")
    command = [str(go.command()), "mod", "download", "-json", MODULE]
    found = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    folder = Path(json.loads(found.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
    files = [f"--filename={folder}/{operator.GROUP}_{kind}.yaml" for kind in KINDS]
    try:
        kubectl("apply", "--server-side", *files)
        for name in names:
            kubectl(
                "wait", "--for=condition=Established", f"customresourcedefinition/{name}", "--timeout=60s"
            )
        yield names
    finally:
        kubectl("delete", "customresourcedefinition", "--ignore-not-found", *names)


def judged(kubectl: Kubectl, namespace: str, manifests: list[dict[str, Any]]) -> str:
    """What the API server would store, or AssertionError with what it says; it stores nothing."""
    items = copy.deepcopy(manifests)
    for item in items:
        item["metadata"]["namespace"] = namespace
    every = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    strictly = ("--server-side", "--dry-run=server", "--validate=strict", "--filename=-")
    return kubectl("apply", *strictly, "--output=name", stdin=every)


def operated(name: str) -> Settings:
    """A team's stack with all that can be told an operator; or the one that has everything."""
    if name == "everything":
        return stacks.operated()
    return generate.operated(check.load(name, secrets=False))


def routes(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each route below the first as the first of its own: the kind does not say what those look like."""
    (config,) = (each for each in manifests if each["kind"] == "AlertmanagerConfig")
    made = []
    for number, route in enumerate(config["spec"]["route"]["routes"]):
        own = copy.deepcopy(config)
        own["metadata"]["name"] += f"-{number}"
        own["spec"]["route"] = route
        made.append(own)
    return made


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize("name", [*TEAMS, "everything"])
def test_every_object_is_what_the_operator_defines(
    name: str, kubectl: Kubectl, outputs: dict[str, Any]
) -> None:
    manifests = operator.manifests(operated(name), "monitoring-auth")
    below = routes(manifests)
    stored = judged(kubectl, outputs["namespace"], [*manifests, *below]).split()
    assert len(stored) == len(manifests) + len(below)
    assert {each.partition(".")[0] for each in stored} >= {
        "servicemonitor", "prometheusrule", "alertmanagerconfig",
    }  # fmt: skip


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("ServiceMonitor", ("endpoints", 0, "intervall"), "intervall"),
        ("PrometheusRule", ("groups", 0, "rules", 0, "lasts"), "lasts"),
        ("Probe", ("prober", "port"), "port"),
        ("AlertmanagerConfig", ("route", "group_by"), "group_by"),
        ("AlertmanagerConfig", ("receivers", 0, "slackConfigs", 0, "api_url"), "api_url"),
    ],
)
def test_a_key_that_the_operator_does_not_know_is_refused(
    kind: str, path: tuple[str | int, ...], said: str, kubectl: Kubectl, outputs: dict[str, Any]
) -> None:
    manifests = operator.manifests(stacks.operated(), "monitoring-auth")
    wrong = copy.deepcopy(next(each for each in manifests if each["kind"] == kind))
    place: Any = wrong["spec"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "30s"
    with pytest.raises(AssertionError, match=said):
        judged(kubectl, outputs["namespace"], [wrong])


def test_no_object_was_stored(definitions: list[str], kubectl: Kubectl) -> None:
    for name in definitions:
        assert kubectl("get", name, "--all-namespaces", "--output=name") == ""
