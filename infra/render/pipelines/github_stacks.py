"""The workflows of GitHub on the stacks: review, apply, drift, backups, release; one job for each stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from infra.render.pipelines import steps
from infra.render.pipelines.github import FOLDER, READ, Workflow, concurrency, workflow
from infra.render.pipelines.plan import Plan
from infra.render.pipelines.steps import RUN_URL, Step, run
from infra.render.pipelines.text import file
from infra.render.pipelines.who import Who
from infra.settings.model import Settings

STACK_PATHS = ["stacks/**", "infra/**", "templates/**", "Pulumi.yaml", "requirements/slipway.txt"]
REVIEW_DAYS = 30  # as long as somebody may ask what was approved
FOUND_DAYS = 5
WRITE_MINUTES = 10
BOT = "github-actions[bot]"
BOT_EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"  # what GitHub shows as that account
ACKNOWLEDGE = "Names of data or keys that may go, as the review gives them, separated by blanks"
# What comes from a fork has no right to the cloud, and says nothing here.
OWN = "github.event.pull_request.head.repo.full_name == github.repository"
ALWAYS = "${{ always() }}"  # a release that was cancelled has changed the stack file too
OIDC = {**READ, "id-token": "write"}


def files(plan: Plan) -> dict[str, str]:
    """Path → text. Without a schedule there is no workflow that would wait for one."""
    made = {
        "review": ("What a pull request would change, as one comment on it.", review(plan)),
        "apply": ("What was merged, stack by stack: planned, approved, applied as planned.", apply(plan)),
        "drift": ("What was changed by another hand, as an issue.", drift(plan)),
        "backups": ("Whether backups can be restored, as an issue where not.", backups(plan)),
        "release": ("An image to a stack, or back again, by hand.", release(plan)),
    }
    return {
        f"{FOLDER}/slipway-{name}.yml": file(purpose, data)
        for name, (purpose, data) in made.items()
        if data["jobs"]
    }


def _job(settings: Settings, name: str, done: Iterable[Step], **more: Any) -> Workflow:
    """A job on one stack, by its own OIDC token."""
    environment = {"STACK": str(settings.stack), "PULUMI_BACKEND_URL": settings.pipelines.state or ""}
    return {
        "name": f"{name} {settings.stack}",
        "runs-on": steps.runner(settings),
        "timeout-minutes": settings.pipelines.timeout_minutes,
        "permissions": OIDC,
        **more,
        "env": environment,
        "steps": list(done),
    }


def _writing(plan: Plan, name: str, rights: dict[str, str], needs: list[str], done: list[Step]) -> Workflow:
    """The job that may write there: it has no right to the cloud, and installs nothing."""
    return {
        "name": name,
        "runs-on": steps.runner(plan.stacks[0]),
        "timeout-minutes": WRITE_MINUTES,
        "needs": needs,
        "permissions": {**READ, **rights},
        "steps": done,
    }


def review(plan: Plan) -> Workflow:
    """A job for each stack, then one that comments with the code of the branch, not of the pull request."""
    number = "${{ github.event.pull_request.number }}"
    jobs: Workflow = {}
    for settings in plan.stacks:
        done = [
            *steps.stack_tools(settings, Who.REVIEW),
            run("Review", "review", RUN=RUN_URL),
            steps.artifact("review", settings, "review", FOUND_DAYS),
        ]
        only = {"if": f"${{{{ {OWN} }}}}"}
        jobs[f"review-{settings.stack}"] = _job(settings, "Review", done, **only)
    given = {"GITHUB_TOKEN": steps.TOKEN, "PULL_REQUEST": number}
    said = [
        steps.checkout(ref="${{ github.event.pull_request.base.sha }}"),
        *steps.python(None),
        steps.artifacts("review", "review"),
        run("Comment", "comment", **given),
    ]
    comment = _writing(plan, "Comment", {"pull-requests": "write"}, list(jobs), said)
    jobs["comment"] = {**comment, "if": f"${{{{ !cancelled() && {OWN} }}}}"}
    one = concurrency(f"slipway-review-{number}", cancel=True)
    return workflow("review", {"pull_request": {"branches": [plan.shared.branch]}}, jobs, concurrency=one)


def _branch(plan: Plan) -> str:
    return f"github.ref == 'refs/heads/{plan.shared.branch}'"


def apply(plan: Plan) -> Workflow:
    """For each stack the plan, then, once its environment is approved, what was planned and nothing else."""
    jobs: Workflow = {}
    for settings in plan.stacks:
        before = plan.before(settings)
        earlier = {"needs": f"apply-{before.stack}"} if before else {}
        only = f"${{{{ !cancelled() && !failure() && {_branch(plan)} }}}}"
        jobs[f"plan-{settings.stack}"] = _plan(settings) | {"if": only, **earlier}
        jobs[f"apply-{settings.stack}"] = _apply(settings)
    on = {
        "push": {"branches": [plan.shared.branch], "paths": [*STACK_PATHS, f"{FOLDER}/slipway-apply.yml"]},
        "workflow_dispatch": {"inputs": {"acknowledge": {"description": ACKNOWLEDGE, "type": "string"}}},
    }
    return workflow("apply", on, jobs)


def _plan(settings: Settings) -> Workflow:
    done = [
        *steps.stack_tools(settings, Who.REVIEW),
        {**run("Plan", "plan", ACKNOWLEDGE="${{ inputs.acknowledge }}"), "id": "plan"},
        steps.artifact("plan", settings, "review", REVIEW_DAYS),
    ]
    outputs = {"DIGEST": "${{ steps.plan.outputs.DIGEST }}"}
    latest = concurrency(f"slipway-plan-{settings.stack}", cancel=True)
    return _job(settings, "Plan", done, concurrency=latest, outputs=outputs)


def _changing(settings: Settings) -> Workflow:
    """Approved at the environment, and one at a time: what runs is never cancelled."""
    return {
        "environment": str(settings.stack),
        "concurrency": concurrency(f"slipway-{settings.stack}", cancel=False),
    }


def _apply(settings: Settings) -> Workflow:
    planned = f"needs.plan-{settings.stack}.outputs"
    given = {"DIGEST": f"${{{{ {planned}.DIGEST }}}}"}
    done = [*steps.stack_tools(settings, Who.APPLY), run("Apply what was planned", "apply", **given)]
    # A skipped stack before it does not stop this one; a plan that failed does.
    only = f"${{{{ !cancelled() && needs.plan-{settings.stack}.result == 'success' && {planned}.DIGEST }}}}"
    more = {"needs": f"plan-{settings.stack}", "if": only, **_changing(settings)}
    return _job(settings, "Apply", done, **more)


def _scheduled(
    plan: Plan, name: str, schedule: Callable[[Settings], str | None], title: str, step: Step
) -> Workflow:
    """A job for each stack that has the schedule, and one that opens, changes or closes their issues."""
    jobs: Workflow = {}
    timed = [(settings, cron) for settings in plan.stacks if (cron := schedule(settings))]
    for settings, cron in timed:
        done = [
            *steps.stack_tools(settings, Who.WATCH),
            step,
            steps.artifact(name, settings, "found", FOUND_DAYS),
        ]
        due = f"(github.event_name != 'schedule' || github.event.schedule == '{cron}')"
        only = {"if": f"${{{{ {_branch(plan)} && {due} }}}}"}
        jobs[f"{name}-{settings.stack}"] = _job(settings, name.capitalize(), done, **only)
    if jobs:
        given = {"GITHUB_TOKEN": steps.TOKEN, "ABOUT": name, "TITLE": title}
        said = [
            steps.checkout(),
            *steps.python(None),
            steps.artifacts(name, "found"),
            run("Tell", "issues", **given),
        ]
        tell = _writing(plan, "Tell", {"issues": "write"}, list(jobs), said)
        jobs["tell"] = {**tell, "if": f"${{{{ !cancelled() && {_branch(plan)} }}}}"}
    crons = [{"cron": cron} for cron in dict.fromkeys(cron for _, cron in timed)]
    one = concurrency(f"slipway-{name}", cancel=False)
    return workflow(name, {"schedule": crons, "workflow_dispatch": {}}, jobs, concurrency=one)


def drift(plan: Plan) -> Workflow:
    """What the stacks differ in from what the branch says."""
    look = run("Look for drift", "drift")
    return _scheduled(plan, "drift", lambda each: each.pipelines.drift_schedule, "Drift of", look)


def backups(plan: Plan) -> Workflow:
    """Of the stacks that make backups: when drill and backup ran last, and every byte of the newest."""

    def schedule(settings: Settings) -> str | None:
        return settings.pipelines.drill_schedule if settings.backups.enabled else None

    return _scheduled(plan, "backups", schedule, "Backups of", run("Check the backups", "backups"))


def release(plan: Plan) -> Workflow:
    """By hand: who may start it is who may approve the stack's environment."""
    choice = {"type": "choice", "required": True}
    inputs = {
        "stack": {"description": "The stack", **choice, "options": list(plan.names)},
        "action": {"description": "What to do", **choice, "options": ["release", "rollback"]},
        "image": {"description": "For a release: registry/repository@sha256:…", "type": "string"},
        "to": {"description": "For a rollback: number of the release, else the last", "type": "string"},
    }
    given = {name.upper(): f"${{{{ inputs.{name} }}}}" for name in ("action", "image", "to")}
    jobs: Workflow = {}
    for settings in plan.stacks:
        done = [
            # The branch as it is once this begins: a release before it may have been recorded meanwhile.
            *steps.stack_tools(settings, Who.APPLY, ref=plan.shared.branch),
            run("Release or roll back", "release", **given),
            {**run("Keep the stack file", "keep"), "if": ALWAYS},
            {**steps.artifact("released", settings, "released", REVIEW_DAYS), "if": ALWAYS},
        ]
        only = {"if": f"${{{{ inputs.stack == '{settings.stack}' && {_branch(plan)} }}}}"}
        jobs[f"release-{settings.stack}"] = _job(settings, "Release", done, **only, **_changing(settings))
    jobs["record"] = _record(plan, list(jobs))
    one = concurrency("slipway-release-${{ inputs.stack }}", cancel=False)
    return workflow("release", {"workflow_dispatch": {"inputs": inputs}}, jobs, concurrency=one)


def _record(plan: Plan, needs: list[str]) -> Workflow:
    """What the stack file says afterwards goes to the branch, however the release ended."""
    given = {
        "STACK": "${{ inputs.stack }}",
        "BRANCH": plan.shared.branch,
        "REMOTE": "${{ github.server_url }}/${{ github.repository }}.git",
        "PUSHER": "x-access-token",
        "TOKEN": steps.TOKEN,
        "BOT": BOT,
        "EMAIL": BOT_EMAIL,
    }
    done = [
        steps.checkout(ref=plan.shared.branch),
        steps.artifacts("released", "released"),
        run("Record the release", "record", **given),
    ]
    record = _writing(plan, "Record", {"contents": "write"}, needs, done)
    return {**record, "if": f"${{{{ always() && {_branch(plan)} }}}}"}
