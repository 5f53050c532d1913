"""What a preview's JSON may look like, and what is said of one that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.errors import UserError
from infra.review import plan
from infra.review.plan import PROTECT, Op, Plan
from tests.infra.review.previews import HEAD, STACK, object_of, planned, step, text

pytestmark = pytest.mark.unit
CONFIG = "kubernetes:core/v1:ConfigMap"
SET = "kubernetes:apps/v1:StatefulSet"
URN = f"{HEAD}slipway:index:Service${CONFIG}::values"
SAME: dict[str, Any] = {"op": "same", "urn": URN}


def read(document: str) -> Plan:
    return plan.read(plan.document(document, "preview.json"), STACK, "preview.json")


@pytest.mark.parametrize(
    ("document", "where", "what"),
    [
        ("", "preview.json", "is empty"),
        ("  \n", "preview.json", "is empty"),
        ("Previewing update (dev):", "preview.json", "is not JSON: Expecting value"),
        ("[]", "preview.json", "is not what pulumi preview --json writes"),
        ('{"resources": []}', "preview.json", "is not what pulumi preview --json writes"),
        ("[" * 100_000, "preview.json", "is nested too deeply"),
        ('{"steps": {}}', "preview.json.steps", "is an object, and a list is wanted"),
        ('{"steps": [1]}', "preview.json: steps[0]", "is a number, and an object is wanted"),
        ('{"steps": [{"urn": "a"}]}', "preview.json: steps[0]", "has no op"),
        ('{"steps": [{"op": "create"}]}', "preview.json: steps[0]", "has no urn"),
        ('{"steps": [{"op": "melt", "urn": "a"}]}', "preview.json: steps[0]", "op 'melt'"),
        ('{"steps": [{"op": "create", "urn": "a"}]}', "preview.json: steps[0]", "has no URN of Pulumi: 'a'"),
        ('{"steps": [], "diagnostics": "no"}', "preview.json.diagnostics", "is text, and a list is wanted"),
        ('{"steps": [], "diagnostics": [1]}', "preview.json: diagnostics[0]", "is a number"),
        ('{"steps": [], "changeSummary": []}', "preview.json.changeSummary", "is a list"),
        (
            json.dumps({"steps": [{"op": "create", "urn": URN, "newState": 3}]}),
            "preview.json: steps[0].newState",
            "is a number, and an object is wanted",
        ),
        (
            json.dumps({"steps": [SAME, {"op": "update", "urn": URN, "newState": {"inputs": "x"}}]}),
            "preview.json: steps[1].newState.inputs",
            "is text, and an object is wanted",
        ),
        (
            json.dumps({"steps": [{"op": "update", "urn": URN, "detailedDiff": []}]}),
            "preview.json: steps[0].detailedDiff",
            "is a list, and an object is wanted",
        ),
    ],
)  # fmt: skip
def test_what_is_no_preview_is_refused_with_the_place_and_the_command_that_makes_one(
    document: str, where: str, what: str
) -> None:
    with pytest.raises(UserError) as refused:
        read(document)
    problem = refused.value.problems[0]
    assert problem.where == where
    assert what in problem.what
    assert "pulumi preview --json --refresh" in problem.remedy


def test_another_stacks_preview_is_refused_by_its_name() -> None:
    with pytest.raises(UserError, match=r"is of the stack ledger-prod .* and not of ledger-dev"):
        plan.read(plan.document(text(step("create", CONFIG, "a")), "x"), "ledger-dev", "x")


@pytest.mark.parametrize("op", sorted(plan.OPS))
def test_a_step_may_lack_everything_but_its_op_and_its_urn(op: str) -> None:
    (found,) = read(json.dumps({"steps": [{"op": op, "urn": URN}]})).steps
    assert (found.op, dict(found.old), dict(found.new), dict(found.paths)) == (plan.OPS[op], {}, {}, {})


@pytest.mark.parametrize("op", sorted(plan.UNCHANGED))
def test_what_stays_is_no_step(op: str) -> None:
    assert read(json.dumps({"steps": [{"op": op, "urn": URN}]})).steps == ()


def test_a_urn_is_taken_apart() -> None:
    found = planned(step("create", CONFIG, "a::b", part="Postgres")).steps[0].urn
    assert (found.stack, found.parents, found.type, found.name) == (
        STACK,
        ("slipway:index:Postgres",),
        CONFIG,
        "a::b",
    )


def test_the_halves_of_a_replacement_are_one_step() -> None:
    old, new = object_of("ConfigMap", "a", data={"x": "1"}), object_of("ConfigMap", "a", data={"x": "2"})
    halves = [
        step("create-replacement", CONFIG, "a", old, new, paths=["data.x"]),
        step("replace", CONFIG, "a", old, new, paths=["data.x"]),
        step("delete-replaced", CONFIG, "a", old),
    ]
    (found,) = planned(*halves).steps
    assert (found.op, found.old, found.new) == (Op.REPLACE, old, new)


def test_what_a_refresh_found_changed_is_kept_beside_what_it_was() -> None:
    applied, live = (
        object_of("Deployment", "a", spec={"replicas": 2}),
        object_of("Deployment", "a", spec={"replicas": 5}),
    )
    (found,) = planned(
        step("refresh", SET, "a", applied, applied), step("update", SET, "a", live, applied)
    ).steps
    assert found.before == applied
    assert found.old == live
    (shown_as_an_update,) = planned(
        step("update", SET, "a", applied, live), step("update", SET, "a", live, applied)
    ).steps
    assert shown_as_an_update == found


@pytest.mark.parametrize("first", ["refresh", "delete"])
def test_what_a_refresh_found_gone_and_is_made_again_is_marked(first: str) -> None:
    held = object_of("StatefulSet", "a")
    (found,) = planned(step(first, SET, "a", held), step("create", SET, "a", None, held)).steps
    assert (found.op, found.gone) == (Op.CREATE, True)


def test_what_the_provider_filled_in_is_nobodys_choice() -> None:
    old = {"bucket": "a", "acl": "private", "__defaults": ["acl"]}
    (found,) = planned(step("update", "aws:s3/bucket:Bucket", "a", old, {"bucket": "b"})).steps
    assert found.old == {"bucket": "a"}


def test_a_deletion_that_leaves_the_thing_where_it_is_is_told_apart() -> None:
    (found,) = planned(step("delete", CONFIG, "a", object_of("ConfigMap", "a"), retainOnDelete=True)).steps
    assert found.op is Op.FORGET


def test_protection_that_is_taken_away_is_a_change() -> None:
    held = object_of("StatefulSet", "a")
    made = step("same", SET, "a", held, held)
    made["oldState"]["protect"] = True
    (found,) = planned(made).steps
    assert (found.old[PROTECT], found.new[PROTECT]) == (True, False)


def test_diagnostics_are_told_once_and_plugins_of_the_path_not_at_all() -> None:
    said = [
        {"message": "warning: using pulumi-resource-aws from $PATH at /x\n", "severity": "warning"},
        {"message": "error: boom\n", "severity": "error"},
        {"message": "error: an unhandled error occurred: boom\n", "severity": "error"},
        {"message": "\n", "severity": "info"},
        {"message": "error: a: refused\n", "severity": "error", "urn": URN},
    ]
    found = planned(diagnostics=said)
    assert [(each.severity, each.message, each.resource) for each in found.diagnostics] == [
        ("error", "boom", ""),
        ("error", "a: refused", "values"),
    ]
    assert len(found.errors) == 2


def test_steps_are_in_the_order_of_their_urns() -> None:
    found = planned(*(step("create", CONFIG, name) for name in "cab")).steps
    assert [each.urn.name for each in found] == ["a", "b", "c"]
