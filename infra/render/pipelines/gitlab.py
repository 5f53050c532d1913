"""GitLab's one file: the repository's jobs here, those of its stacks in gitlab_stacks.py."""

from __future__ import annotations

from typing import Any

from infra.images import PUBLIC, Image
from infra.render.pipelines import gitlab_stacks
from infra.render.pipelines.github import DOCKERFILE, IMAGE_PATHS, PASSWORD
from infra.render.pipelines.github_stacks import ACKNOWLEDGE
from infra.render.pipelines.gitlab_jobs import (
    ECR_IMAGE,
    Job,
    branch,
    cloud,
    job,
    merge_request,
    prepared,
    started,
)
from infra.render.pipelines.plan import Plan
from infra.render.pipelines.steps import DEV
from infra.render.pipelines.text import file, script

FILE = ".gitlab-ci.yml"
DOCKER = "28.5"
SCANNER = "anchore/grype:v0.112.0"
PYTHON_IMAGE = "python:3.11-bookworm"
STAGES = ["test", "build", "scan", "review", "plan", "apply", "watch", "tell"]
WORDS = ["test", "apply", "release", "rollback", "drift", "backups"]
CACHE = ".venv/cache"  # below what linters leave out
TEST_MINUTES, BUILD_MINUTES = 30, 30


def files(plan: Plan) -> dict[str, str]:
    """The one file."""
    purpose = "Tests, image, and the stacks: reviewed, planned, approved, applied, watched."
    return {FILE: file(purpose, pipeline(plan))}


def pipeline(plan: Plan) -> dict[str, Any]:
    """A job runs for merge requests and on the branch, and nowhere twice."""
    always = [{"if": merge_request()}, {"if": f'$CI_COMMIT_BRANCH == "{plan.shared.branch}"'}]
    return {
        "stages": STAGES,
        "workflow": {"rules": always},
        "variables": _asked(plan),
        "default": {"interruptible": True, **_tags(plan)},
        "check": _check(plan),
        "test": _test(plan),
        "try": _try(),
        "publish": _publish(plan),
        "scan": _scan(plan),
        **gitlab_stacks.jobs(plan),
    }


def _asked(plan: Plan) -> dict[str, Any]:
    """What the form of a pipeline started by hand asks for; schedules set SLIPWAY alone."""
    return {
        "SLIPWAY": {"description": "What to do", "value": "test", "options": WORDS},
        "SLIPWAY_STACK": {
            "description": "The stack of a release or rollback",
            "value": plan.names[0],
            "options": list(plan.names),
        },
        "SLIPWAY_ACKNOWLEDGE": {"description": f"To apply: {ACKNOWLEDGE.lower()}", "value": ""},
        "SLIPWAY_IMAGE": {"description": "For a release: registry/repository@sha256:…", "value": ""},
        "SLIPWAY_TO": {"description": "For a rollback: number of the release, else the last", "value": ""},
    }


def _tags(plan: Plan) -> dict[str, list[str]]:
    tags = list(plan.stacks[0].pipelines.runner)
    return {"tags": tags} if tags else {}


def _tested(plan: Plan) -> list[dict[str, Any]]:
    return [{"if": merge_request()}, {"if": branch(plan, "push")}, {"if": started(plan, "test")}]


def _python(minutes: int) -> Job:
    kept = {"key": {"files": [DEV]}, "paths": [f"{CACHE}/"]}
    return {
        **job("test", minutes),
        "image": PYTHON_IMAGE,
        "cache": kept,
        "variables": {"REQUIREMENTS": DEV, "UV_CACHE_DIR": f"$CI_PROJECT_DIR/{CACHE}"},
    }


def _check(plan: Plan) -> Job:
    base = _python(TEST_MINUTES)
    lines = ["mypy", "slipway check --all", script("rendered")]
    return {
        **base,
        "variables": {**base["variables"], "STACKS": " ".join(plan.names)},
        "before_script": prepared(),
        "script": [script("check"), *lines],
        "rules": _tested(plan),
    }


def _test(plan: Plan) -> Job:
    base = _python(TEST_MINUTES)
    given = {
        "POSTGRES_PASSWORD": PASSWORD,
        "SELECTION": " ".join(plan.shared.tests),
        "TEST_POSTGRES_URL": f"postgresql://postgres:{PASSWORD}@postgres:5432/postgres",
        "TEST_REDIS_URL": "redis://redis:6379/0",
    }
    services = [
        {"name": str(PUBLIC[Image.POSTGRES]), "alias": "postgres"},
        {"name": str(PUBLIC[Image.REDIS]), "alias": "redis"},
    ]
    client = "apt-get update -qq && apt-get install -qq --yes --no-install-recommends postgresql-client-15"
    return {
        **base,
        "services": services,
        "variables": {**base["variables"], **given},
        "before_script": [client, *prepared()],
        "script": [script("pytest")],
        "rules": _tested(plan),
    }


def _docker(stage: str) -> Job:
    return {
        **job(stage, BUILD_MINUTES),
        "image": f"docker:{DOCKER}",
        "services": [f"docker:{DOCKER}-dind"],
        "variables": {"DOCKER_TLS_CERTDIR": "/certs", "DOCKERFILE": DOCKERFILE},
    }


def _try() -> Job:
    rules = [{"if": merge_request(), "changes": IMAGE_PATHS}]
    return {**_docker("build"), "script": [script("gitlab-try")], "rules": rules}


def _registry(plan: Plan) -> Job:
    """A job that is logged in to the image's registry."""
    host = plan.registry.partition("/")[0]
    if not plan.push_role or ".dkr.ecr." not in host:
        return {"variables": {"HOST": host}, "before_script": [script("gitlab-login")]}
    owner = next(each for each in plan.stacks if each.pipelines.aws.push_role)
    token = cloud(plan.push_role, owner.pipelines.aws.audience, host.split(".")[3], "slipway-push")
    return {**token, "variables": {**token["variables"], "HOST": host}, "before_script": [script(ECR_IMAGE)]}


def _publish(plan: Plan) -> Job:
    docker, registry = _docker("build"), _registry(plan)
    given = {**docker["variables"], **registry["variables"], "REPOSITORY": plan.registry}
    return {
        **docker,
        **registry,
        "variables": given,
        "script": [script("gitlab-publish")],
        "artifacts": {"reports": {"dotenv": "image.env"}},
        "rules": [{"if": branch(plan, "push"), "changes": IMAGE_PATHS}],
    }


def _scan(plan: Plan) -> Job:
    """The very image that was pushed, by its digest."""
    docker, registry = _docker("scan"), _registry(plan)
    return {
        **docker,
        **registry,
        "needs": ["publish"],
        "variables": {**docker["variables"], **registry["variables"], "SCANNER": SCANNER},
        "script": [script("gitlab-scan")],
        "rules": [{"if": branch(plan, "push"), "changes": IMAGE_PATHS}],
    }
