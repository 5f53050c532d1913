"""Whom a role trusts: this repository, this branch or environment, and no other token of the provider."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.errors import UserError
from infra.render.pipelines import trust
from infra.render.pipelines.plan import Plan
from infra.render.pipelines.who import Who
from tests.pipelines import plans

pytestmark = pytest.mark.unit
GITHUB = "token.actions.githubusercontent.com"


def condition(plan: Plan, who: Who, name: str = "ledger-prod") -> dict[str, Any]:
    (settings,) = (each for each in plan.stacks if str(each.stack) == name)
    (statement,) = trust.of(settings, who)["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    found: dict[str, Any] = statement["Condition"]
    return found


SUBJECTS = [
    (Who.REVIEW, ["repo:team/ledger:pull_request", "repo:team/ledger:ref:refs/heads/main"]),
    (Who.WATCH, ["repo:team/ledger:ref:refs/heads/main"]),
    (Who.APPLY, ["repo:team/ledger:environment:ledger-prod"]),
    (Who.PUSH, ["repo:team/ledger:ref:refs/heads/main"]),
]


@pytest.mark.parametrize(("who", "subjects"), SUBJECTS)
def test_github_may_take_a_role_for_what_it_is_for(who: Who, subjects: list[str]) -> None:
    equal = condition(plans.plans()["github ECR"], who)
    assert equal == {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": subjects}}


def test_a_repository_named_with_its_numbers_is_trusted_by_them() -> None:
    plan = plans.github("ledger-prod", repository="team@123456/ledger@456789")
    found = condition(plan, Who.APPLY)["StringEquals"][f"{GITHUB}:sub"]
    assert found == ["repo:team@123456/ledger@456789:environment:ledger-prod"]


def test_gitlab_may_apply_from_the_branch_and_review_any_branch_of_the_project() -> None:
    plan = plans.plans()["gitlab three stacks"]
    subject = "project_path:team/ledger:ref_type:branch:ref"
    assert condition(plan, Who.APPLY) == {
        "StringEquals": {"gitlab.com:aud": "https://gitlab.com", "gitlab.com:sub": [f"{subject}:main"]}
    }
    assert condition(plan, Who.REVIEW) == {
        "StringEquals": {"gitlab.com:aud": "https://gitlab.com"},
        "StringLike": {"gitlab.com:sub": [f"{subject}:*"]},
    }


def test_the_providers_entry_is_that_of_the_roles_own_account_and_partition() -> None:
    roles = {
        f"{who}_role": f"arn:aws-cn:iam::210987654321:role/{who}" for who in ("review", "watch", "apply")
    }
    own = {"provider": "github", "registry": "ghcr.io/team/ledger"}
    stack = plans.stack("ledger-prod", {**own, "aws": {**plans.aws("x")["aws"], **roles}})
    (statement,) = trust.of(stack, Who.APPLY)["Statement"]
    assert statement["Principal"] == {"Federated": f"arn:aws-cn:iam::210987654321:oidc-provider/{GITHUB}"}


def test_an_account_of_google_cloud_names_the_pools_subjects() -> None:
    stack = plans.plans()["github Google Cloud"].stacks[-1]
    pool = plans.POOL.partition("/providers/")[0]
    member = f"principal://iam.googleapis.com/{pool}/subject/repo:team/ledger:environment:ledger-prod"
    bindings = [{"role": "roles/iam.workloadIdentityUser", "members": [member]}]
    assert trust.of(stack, Who.APPLY) == {"bindings": bindings}


def test_a_role_that_the_stack_does_not_name_is_told() -> None:
    stack = plans.plans()["github own runner"].stacks[-1]
    with pytest.raises(UserError, match=r"names neither aws\.push_role nor gcp\.push_account"):
        trust.of(stack, Who.PUSH)


@pytest.mark.parametrize("who", Who)
def test_iam_takes_each_policy(who: Who) -> None:
    with mock_aws():
        iam = boto3.client("iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        for name in ("github ECR", "gitlab ECR"):
            policy = json.dumps(trust.of(plans.plans()[name].stacks[-1], who))
            made = iam.create_role(RoleName=name.replace(" ", "-"), AssumeRolePolicyDocument=policy)["Role"]
            assert made["AssumeRolePolicyDocument"] == json.loads(policy)
