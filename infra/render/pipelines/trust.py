"""Whom a cloud lets take a role: the pipelines' tokens by repository, branch and environment alone.

Subjects: GitHub's "OpenID Connect reference", GitLab's "OpenID Connect authentication using ID tokens".
"""

from __future__ import annotations

from typing import Any

from infra.errors import UserError
from infra.names import PROJECT
from infra.render.pipelines.who import Who
from infra.settings.model import Settings
from infra.settings.pipelines import Pipelines, Provider

GITHUB_ISSUER = "token.actions.githubusercontent.com"


def subjects(settings: Settings, who: Who) -> list[str]:
    """What ``sub`` of the tokens may be; ``*`` stands for any branch of a merge request."""
    pipelines = settings.pipelines
    if pipelines.provider is Provider.GITLAB:
        # A role can be given to a branch; that the environment is protected, GitLab itself sees to.
        ref = "*" if who is Who.REVIEW else pipelines.branch
        return [f"project_path:{pipelines.repository}:ref_type:branch:ref:{ref}"]
    repository = f"repo:{pipelines.repository}"
    if who is Who.APPLY:
        return [f"{repository}:environment:{settings.stack}"]
    branch = f"{repository}:ref:refs/heads/{pipelines.branch}"
    return [f"{repository}:pull_request", branch] if who is Who.REVIEW else [branch]


def of(settings: Settings, who: Who) -> dict[str, Any]:
    """The role's trust policy (AWS), or the account's IAM policy (Google Cloud). Raises UserError where the
    stack names no such role or account."""
    pipelines = settings.pipelines
    role = getattr(pipelines.aws, f"{who}_role")
    if role:
        return _aws(pipelines, role, subjects(settings, who))
    if getattr(pipelines.gcp, f"{who}_account"):
        return _gcp(pipelines, subjects(settings, who))
    where = f"{PROJECT}:pipelines"
    what = f"{settings.stack} names neither aws.{who}_role nor gcp.{who}_account"
    raise UserError.of(where, what, f"name one, then: slipway pipelines trust {settings.stack} --for {who}")


def _aws(pipelines: Pipelines, role: str, allowed: list[str]) -> dict[str, Any]:
    _, partition, _, _, account, _ = role.split(":", 5)
    gitlab = pipelines.provider is Provider.GITLAB
    issuer = pipelines.gitlab_host if gitlab else GITHUB_ISSUER
    audience = {f"{issuer}:aud": pipelines.aws.audience}
    subject = {f"{issuer}:sub": allowed}
    any_branch = any("*" in each for each in allowed)
    equal = {**audience, **({} if any_branch else subject)}
    condition = {"StringEquals": equal, **({"StringLike": subject} if any_branch else {})}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _gcp(pipelines: Pipelines, allowed: list[str]) -> dict[str, Any]:
    pool = (pipelines.gcp.identity_provider or "").partition("/providers/")[0]
    members = [f"principal://iam.googleapis.com/{pool}/subject/{subject}" for subject in allowed]
    return {"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": members}]}
