"""GitLab's jobs on the stacks: review, plan, apply, drift, backups, release and its record."""

from __future__ import annotations

from typing import Any

from infra import versions
from infra.render.pipelines.github_stacks import STACK_PATHS, WRITE_MINUTES
from infra.render.pipelines.gitlab_jobs import Job, branch, cloud, job, merge_request, prepared, started
from infra.render.pipelines.plan import Plan
from infra.render.pipelines.steps import SLIPWAY, context_variables
from infra.render.pipelines.text import script
from infra.render.pipelines.who import Who
from infra.settings.model import Settings
from infra.settings.stack import Environment

IMAGE = {"name": f"pulumi/pulumi:{versions.PULUMI}", "entrypoint": [""]}
WRITER_IMAGE = "python:3.11-bookworm"
WRITER = "$SLIPWAY_TOKEN"
TIERS = {Environment.DEV: "development", Environment.STAGING: "staging", Environment.PROD: "production"}


def jobs(plan: Plan) -> dict[str, Job]:
    """Every job on a stack, and those that tell of what they found."""
    found: dict[str, Job] = {}
    for settings in plan.stacks:
        name = settings.stack
        found[f"review-{name}"] = _review(settings)
    found["comment"] = _comment(list(found))
    for settings in plan.stacks:
        found[f"plan-{settings.stack}"] = _plan(plan, settings)
        found[f"apply-{settings.stack}"] = _apply(plan, settings)
        found[f"release-{settings.stack}"] = _release(plan, settings)
        found[f"record-{settings.stack}"] = _record(plan, settings)
    return {**found, **_watching(plan)}


def _on(settings: Settings, stage: str, who: Who, **variables: str) -> Job:
    """A job on one stack as ``who`` at the cloud."""
    pipelines, name = settings.pipelines, str(settings.stack)
    given = {"STACK": name, "REQUIREMENTS": SLIPWAY, "PULUMI_BACKEND_URL": pipelines.state or ""}
    begun = prepared()
    taken: Job = {}
    if pipelines.at_aws:
        role = getattr(pipelines.aws, f"{who}_role")
        taken = cloud(role, pipelines.aws.audience, pipelines.aws.region or "", f"{name}-{who}")
        given |= {**taken.pop("variables"), **context_variables(settings)}
        begun = [*begun, script("gitlab-token"), script("kubeconfig-eks")]
    tags = {"tags": list(pipelines.runner)} if pipelines.runner else {}
    base = {**job(stage, pipelines.timeout_minutes), "image": IMAGE, **tags, **taken}
    return {**base, "variables": {**given, **variables}, "before_script": begun}


def _kept(path: str, **more: Any) -> dict[str, Any]:
    return {"paths": [path], "when": "always", "expire_in": "30 days", **more}


def _review(settings: Settings) -> Job:
    """The page stands beside the merge request also where no token may comment."""
    shown = _kept(f"review/{settings.stack}.md", expose_as=f"Review of {settings.stack}")
    return {
        **_on(settings, "review", Who.REVIEW, RUN="$CI_PIPELINE_URL"),
        "needs": [],
        "script": [script("review")],
        "artifacts": shown,
        "rules": [{"if": merge_request(own=True)}],
    }


def _writer(stage: str, needs: list[str], lines: list[str], **variables: str) -> Job:
    """The job that may write there: it has no right to the cloud, and installs nothing."""
    given = {"variables": variables} if variables else {}
    waited = [{"job": name, "artifacts": True} for name in needs]
    return {**job(stage, WRITE_MINUTES), "image": WRITER_IMAGE, **given, "needs": waited, "script": lines}


def _comment(needs: list[str]) -> Job:
    said = _writer("review", needs, [script("gitlab-base"), script("comment")])
    return {**said, "rules": [{"if": f"{merge_request(own=True)} && {WRITER}", "when": "always"}]}


def _applied(plan: Plan) -> list[dict[str, Any]]:
    return [{"if": branch(plan, "push"), "changes": STACK_PATHS}, {"if": started(plan, "apply")}]


def _plan(plan: Plan, settings: Settings) -> Job:
    before = plan.before(settings)
    return {
        **_on(settings, "plan", Who.REVIEW, ACKNOWLEDGE="$SLIPWAY_ACKNOWLEDGE"),
        "needs": [f"apply-{before.stack}"] if before else [],
        "script": [script("plan")],
        "artifacts": _kept("review/", reports={"dotenv": "plan.env"}),
        "rules": _applied(plan),
    }


def _changing(settings: Settings) -> Job:
    """One at a time, never ended for a later one, in the environment that says who approves."""
    name = str(settings.stack)
    environment = {"name": name, "deployment_tier": TIERS[settings.stack.environment]}
    return {"environment": environment, "resource_group": f"slipway-{name}", "interruptible": False}


def _apply(plan: Plan, settings: Settings) -> Job:
    """By hand where somebody must approve; the pipeline waits."""
    by_hand = {"when": "manual", "allow_failure": False} if settings.pipelines.approvals else {}
    return {
        **_on(settings, "apply", Who.APPLY),
        **_changing(settings),
        "needs": [f"plan-{settings.stack}"],
        "script": [script("apply")],
        "rules": [{**rule, **by_hand} for rule in _applied(plan)],
    }


def _asked(plan: Plan, settings: Settings) -> list[str]:
    chosen = f'$SLIPWAY_STACK == "{settings.stack}"'
    return [f"{started(plan, word)} && {chosen}" for word in ("release", "rollback")]


def _release(plan: Plan, settings: Settings) -> Job:
    """From the branch as it is once this begins: a release before it may have been recorded meanwhile."""
    given = {"ACTION": "$SLIPWAY", "IMAGE": "$SLIPWAY_IMAGE", "TO": "$SLIPWAY_TO"}
    base = _on(settings, "apply", Who.APPLY, **given)
    return {
        **base,
        **_changing(settings),
        "needs": [],
        "before_script": [script("gitlab-branch"), *base["before_script"]],
        "script": [script("release")],
        "after_script": [script("keep")],
        "artifacts": _kept("released/"),
        "rules": [{"if": asked} for asked in _asked(plan, settings)],
    }


def _record(plan: Plan, settings: Settings) -> Job:
    """What the stack file says afterwards goes to the branch, by the job's own token."""
    given = {
        "STACK": str(settings.stack),
        "BRANCH": plan.shared.branch,
        "REMOTE": "$CI_PROJECT_URL.git",
        "PUSHER": "gitlab-ci-token",
        "TOKEN": "$CI_JOB_TOKEN",
        "BOT": "slipway",
        "EMAIL": "slipway@noreply.$CI_SERVER_HOST",
    }
    return {
        **_writer("apply", [f"release-{settings.stack}"], [script("record")], **given),
        "resource_group": f"slipway-{settings.stack}",
        "interruptible": False,
        "rules": [{"if": asked, "when": "always"} for asked in _asked(plan, settings)],
    }


def _watching(plan: Plan) -> dict[str, Job]:
    """By schedules, which stand in the project's settings and say what to do: ``SLIPWAY=drift``."""
    pipelines = [(each, each.pipelines) for each in plan.stacks]
    drifting = [each for each, own in pipelines if own.drift_schedule]
    kept = [each for each, own in pipelines if own.drill_schedule and each.backups.enabled]
    return {
        **_watched(plan, "drift", "Drift of", drifting),
        **_watched(plan, "backups", "Backups of", kept),
    }


def _watched(plan: Plan, word: str, title: str, stacks: list[Settings]) -> dict[str, Job]:
    due = [{"if": f'{branch(plan, "schedule")} && $SLIPWAY == "{word}"'}, {"if": started(plan, word)}]
    found = {
        f"{word}-{settings.stack}": {
            **_on(settings, "watch", Who.WATCH),
            "needs": [],
            "script": [script(word)],
            "artifacts": _kept("found/"),
            "rules": due,
        }
        for settings in stacks
    }
    if not found:
        return {}
    tell = _writer("tell", list(found), [script("issues")], ABOUT=word, TITLE=title)
    told = [{"if": f"{rule['if']} && {WRITER}", "when": "always"} for rule in due]
    return {**found, f"tell-{word}": {**tell, "rules": told}}
