"""A resource is the same whether a preview, the program or a policy pack tells of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.declared import declared
from infra.errors import UserError
from infra.policy.plan import Plan
from infra.policy.planned import (
    SECRET,
    SECRET_SIGNATURE,
    SIGNATURE,
    UNKNOWN,
    Options,
    Resource,
    at,
    from_preview,
    plain,
)
from infra.policy.rules.containers import moves
from infra.policy.selecting import selects
from infra.settings.stack import Environment
from tests.infra.mocks import settings
from tests.policy.manifests import resource

pytestmark = pytest.mark.unit
KIND = "kubernetes:apps/v1:Deployment"
URN = f"urn:pulumi:ledger-dev::slipway::slipway:index:Service${KIND}::service-deployment"


def step(op: str, urn: str = URN, **state: Any) -> dict[str, Any]:
    whole = {"type": KIND, "inputs": {"spec": {"replicas": 2}}, **state}
    return {"op": op, "urn": urn, "newState": whole}


def test_a_step_of_a_preview_is_a_resource_with_its_inputs_and_options() -> None:
    (found,) = from_preview(
        {"steps": [step("update", protect=True, retainOnDelete=True, ignoreChanges=["spec.replicas"])]}
    )
    assert found == Resource(
        URN,
        KIND,
        "service-deployment",
        {"spec": {"replicas": 2}},
        Options(True, True, ("spec.replicas",)),
    )


def test_what_goes_is_not_planned_and_what_is_replaced_is_planned_once() -> None:
    steps = [
        step("create-replacement"),
        step("replace"),
        {"op": "delete-replaced", "urn": URN, "oldState": {}},
        {"op": "delete", "urn": f"{URN}-old", "oldState": {}},
        step("same", f"{URN}-2"),
    ]
    assert [each.name for each in from_preview({"steps": steps})] == [
        "service-deployment",
        "service-deployment-2",
    ]


@pytest.mark.parametrize("digest", [{}, {"steps": None}, {"steps": []}])
def test_a_preview_without_steps_plans_nothing(digest: dict[str, Any]) -> None:
    assert from_preview(digest) == []


def test_secrets_are_masked_and_whole_numbers_are_whole() -> None:
    wrapped = {SIGNATURE: SECRET_SIGNATURE, "value": "sesame"}
    assert plain({"a": wrapped, "b": [2.0, 2.5, True, wrapped], "c": (1,)}) == {
        "a": SECRET, "b": [2, 2.5, True, SECRET], "c": [1],
    }  # fmt: skip


def test_below_what_is_unknown_or_secret_everything_is_unknown() -> None:
    assert at({"spec": UNKNOWN}, "spec", "replicas") == UNKNOWN
    assert at({"spec": SECRET}, "spec", "replicas") == UNKNOWN
    assert at({"spec": 3}, "spec", "replicas") is None
    assert at({"list": [{"a": 1}]}, "list", 0, "a") == 1


def test_the_program_is_run_without_an_engine_and_shows_no_secret() -> None:
    found = {each.name: each for each in declared(settings("ledger-dev"))}
    assert found["service-deployment"].properties["spec"]["replicas"] == 1
    assert found["service-deployment"].urn == URN
    assert found["postgres-auth"].properties["stringData"] == SECRET
    assert "planned-" not in json.dumps([each.properties for each in found.values()])


def test_the_program_says_what_pulumi_may_do_with_a_resource() -> None:
    scaled = settings("ledger-prod", service={"autoscaling": {"enabled": True, "max_replicas": 3}})
    found = {each.name: each.options for each in declared(scaled)}
    assert found["service-deployment"].ignored == ("spec.replicas",)
    assert found["stack-namespace"].protect
    assert not found["logs-namespace"].protect, "it holds no volume"


def test_the_program_runs_again_and_again_in_one_process() -> None:
    first, second = (declared(settings("ledger-staging")) for _ in range(2))
    assert [each.urn for each in first] == [each.urn for each in second]


def test_a_program_that_refuses_its_settings_leaves_nothing_for_the_next() -> None:
    nameless = settings("ledger-staging").images.model_copy(update={"service": None})
    with pytest.raises(UserError, match="image service: the service image is in no public registry"):
        declared(settings("ledger-staging").model_copy(update={"images": nameless}))
    assert len(declared(settings("ledger-staging"))) > 20


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        ({}, True),
        (None, False),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "1", "b": "2"}}, False),
        ({"matchLabels": {"a": UNKNOWN}}, True),
        (UNKNOWN, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["0"]}]}, False),
    ],
)
def test_a_selector_takes_what_kubernetes_would(selector: Any, taken: bool) -> None:
    assert selects(selector, {"a": "1"}) is taken


FIXED = ("1.4.2", "v1.4", "1.4.2-rc.1", "3f2a91c", "1234567", "pr-7-0a1b2c3d", "release-1.4.2", "2026-11-28")
MOVING = ("latest", "main", "3", "v3", "3-alpine", "pr-7", "prod", "feature-login", "release-1.4", "stable")


@pytest.mark.parametrize("tag", FIXED)
def test_a_version_a_commit_and_a_day_are_fixed(tag: str) -> None:
    assert moves(f"registry.example:5000/team/service:{tag}") is None


@pytest.mark.parametrize("tag", MOVING)
def test_a_branch_and_a_series_move(tag: str) -> None:
    assert moves(f"registry.example:5000/team/service:{tag}") is not None


def test_thousands_of_budgets_are_found_by_namespace_and_label() -> None:
    def pair(number: int) -> list[Resource]:
        place = {"name": f"n{number}", "namespace": f"space-{number % 3}"}
        labels = {"component": f"c{number}", "part-of": "slipway"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": []}}
        budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": place}
        workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": place}
        return [
            resource({**budget, "spec": {"selector": {"matchLabels": labels}}}),
            resource({**workload, "spec": {"template": template}}),
        ]

    plan = Plan("ledger-dev", Environment.DEV, tuple(each for number in range(300) for each in pair(number)))
    assert {pod.resource.name: [each.name for each in plan.budgets(pod)] for pod in plan.pods} == {
        f"n{number}": [f"n{number}"] for number in range(300)
    }
