"""Every file of a plan, by its provider."""

from __future__ import annotations

from infra.render.pipelines import github, github_stacks, gitlab
from infra.render.pipelines.plan import Plan
from infra.settings.pipelines import Provider


def files(plan: Plan) -> dict[str, str]:
    """Path below the repository's root → text."""
    if plan.provider is Provider.GITLAB:
        return gitlab.files(plan)
    return {**github.files(plan), **github_stacks.files(plan)}
