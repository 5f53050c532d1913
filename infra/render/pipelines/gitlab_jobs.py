"""What several jobs of GitLab have in common: when they run, what they begin with, as whom at the cloud."""

from __future__ import annotations

from typing import Any

from infra.render.pipelines.plan import Plan
from infra.render.pipelines.text import script

Job = dict[str, Any]
ECR_IMAGE = "gitlab-login-ecr"
TOKEN_FILE = "$CI_PROJECT_DIR/.cloud-token"  # noqa: S105  a path


def job(stage: str, minutes: int) -> Job:
    """The beginning of every job."""
    return {"stage": stage, "timeout": f"{minutes} minutes"}


def merge_request(*, own: bool = False) -> str:
    """A merge request's pipeline; ``own``: not of a fork, which has no right to the cloud."""
    same = " && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" if own else ""
    return f'$CI_PIPELINE_SOURCE == "merge_request_event"{same}'


def branch(plan: Plan, source: str) -> str:
    """A pipeline of the branch, by its source."""
    return f'$CI_PIPELINE_SOURCE == "{source}" && $CI_COMMIT_BRANCH == "{plan.shared.branch}"'


def started(plan: Plan, word: str) -> str:
    """A pipeline of the branch that somebody started to do this."""
    return f'{branch(plan, "web")} && $SLIPWAY == "{word}"'


def prepared() -> list[str]:
    """slipway in an environment of its own, first on PATH."""
    return [script("install"), 'export PATH="$PWD/.venv/bin:$PATH"']


def cloud(role: str, audience: str, region: str, session: str) -> Job:
    """A role at AWS by the job's own token: the SDKs read these variables themselves."""
    variables = {
        "AWS_ROLE_ARN": role,
        "AWS_ROLE_SESSION_NAME": session[:64],
        "AWS_REGION": region,
        "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE,
    }
    return {"id_tokens": {"CLOUD_TOKEN": {"aud": audience}}, "variables": variables}
