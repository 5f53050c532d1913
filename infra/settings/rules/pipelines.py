"""Rules on pipelines: they reach the stack, hold no password, and nobody changes production unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.settings.config import StackConfig
from infra.settings.pipelines import Provider
from infra.settings.rules.finding import Finding
from infra.settings.stack import Environment

NAMED = ("repository", "registry", "state")
AWS = ("region", "cluster", "review_role", "watch_role", "apply_role")
GCP_ACCOUNTS = ("review_account", "watch_account", "apply_account")
GCP = ("project", "location", "cluster", "identity_provider", *GCP_ACCOUNTS)
ECR = re.compile(r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")
GAR = re.compile(r"[a-z0-9-]+-docker\.pkg\.dev/")
GHCR = "ghcr.io/"
SELF_HOSTED = "self-hosted"  # the label that GitHub gives every runner of one's own


def pipelines_reach_the_stack(settings: StackConfig) -> Iterator[Finding]:
    """A sandbox is one machine, which no job of a pipeline runs on."""
    if settings.pipelines.provider and settings.cluster.sandbox:
        yield Finding(
            ("pipelines", "provider"),
            f"{settings.pipelines.provider}, and cluster.sandbox is true: no job reaches this machine",
            "leave provider out here: slipway up",
            also=(("cluster", "sandbox"),),
        )


def pipelines_are_named_whole(settings: StackConfig) -> Iterator[Finding]:
    """A job needs the repository that is trusted, the registry it pushes to, and the state it changes."""
    pipelines = settings.pipelines
    missing = [key for key in NAMED if getattr(pipelines, key) is None]
    if pipelines.provider and missing:
        yield Finding(
            ("pipelines", missing[0]),
            f"{_and(missing)} missing, and provider is {pipelines.provider}",
            f"set {', '.join(NAMED)}, or leave provider out",
            also=(("pipelines", "provider"),),
        )


def pipelines_cloud_is_named_whole(settings: StackConfig) -> Iterator[Finding]:
    """A job finds the cluster by its name and takes the role of what it does; half of it does neither."""
    for cloud, keys in (("aws", AWS), ("gcp", GCP)):
        section = getattr(settings.pipelines, cloud)
        missing = [key for key in keys if getattr(section, key) is None]
        there = [key for key in keys if key not in missing]
        if missing and there:
            yield Finding(
                ("pipelines", cloud, missing[0]),
                f"{_and(missing)} missing, and {_and(there)} set",
                f"set {', '.join(keys)} together, or none of them",
                also=tuple(("pipelines", cloud, key) for key in there),
            )


def pipelines_have_one_cloud(settings: StackConfig) -> Iterator[Finding]:
    """A stack is on one cluster, and its jobs take one identity. GitLab's tokens are taken to AWS alone."""
    pipelines = settings.pipelines
    if pipelines.at_aws and pipelines.at_gcp:
        yield Finding(
            ("pipelines", "gcp", "apply_account"),
            "is set, and aws.apply_role is too: a stack is on one cluster",
            "keep one of the two",
            also=(("pipelines", "aws", "apply_role"),),
        )
    if pipelines.at_gcp and pipelines.provider is Provider.GITLAB:
        yield Finding(
            ("pipelines", "gcp", "apply_account"),
            "is set, and provider is gitlab, whose jobs take a role at AWS or none",
            "use a runner that is Google Cloud's own, named in runner, and leave gcp out",
            also=(("pipelines", "provider"),),
        )


def roles_are_apart(settings: StackConfig) -> Iterator[Finding]:
    """A pull request's own code runs under the review's role: it must not be one that can change a stack."""
    for cloud, kind in (("aws", "role"), ("gcp", "account")):
        section = getattr(settings.pipelines, cloud)
        last = f"apply_{kind}"
        for key in (f"review_{kind}", f"watch_{kind}", f"push_{kind}"):
            if getattr(section, key) is not None and getattr(section, key) == getattr(section, last):
                yield Finding(
                    ("pipelines", cloud, key),
                    f"{getattr(section, key)} is {last} too: what may only look could change the stack",
                    f"make one for each, trusted for that alone: slipway pipelines trust {settings.stack}",
                    also=(("pipelines", cloud, last),),
                )


def registry_takes_no_password(settings: StackConfig) -> Iterator[Finding]:
    """A push logs in by the job's own token: a stored password would outlive every job."""
    pipelines = settings.pipelines
    registry = pipelines.registry or ""
    if not pipelines.provider or not registry:
        return
    github, google = pipelines.provider is Provider.GITHUB, bool(GAR.match(registry))
    if ECR.match(registry):
        yield from _pushes(settings, ("aws", "push_role"), "ECR")
    elif github and google:
        yield from _pushes(settings, ("gcp", "push_account"), "Artifact Registry")
    elif registry.startswith(GHCR) is not github or google:
        takes = "ghcr.io, ECR or Artifact Registry" if github else "ECR or GitLab's own registry"
        yield Finding(
            ("pipelines", "registry"),
            f"{registry} would need a stored password, and provider is {pipelines.provider}",
            f"use {takes}, where a job logs in by its own token",
            also=(("pipelines", "provider"),),
        )


def _pushes(settings: StackConfig, key: tuple[str, str], where: str) -> Iterator[Finding]:
    cloud, name = key
    if getattr(getattr(settings.pipelines, cloud), name) is None:
        yield Finding(
            ("pipelines", cloud, name),
            f"{cloud}.{name} is missing, and registry {settings.pipelines.registry} is at {where}",
            f"name the {name.removeprefix('push_')} that pushes there",
            also=(("pipelines", "registry"),),
        )


def runner_knows_the_cluster(settings: StackConfig) -> Iterator[Finding]:
    """A provider's own runner has no kubeconfig: without a cloud that makes one, the runner is your own."""
    pipelines = settings.pipelines
    if pipelines.provider and pipelines.at_gcp and settings.cluster.kubeconfig:
        yield Finding(
            ("cluster", "kubeconfig"),
            f"{settings.cluster.kubeconfig} is set, and a job on GKE has a kubeconfig of its own",
            "leave kubeconfig out: $KUBECONFIG names it there and here",
            also=(("pipelines", "gcp", "apply_account"),),
        )
    if not pipelines.provider or pipelines.at_aws or pipelines.at_gcp:
        return
    github = pipelines.provider is Provider.GITHUB
    if not pipelines.runner or (github and SELF_HOSTED not in pipelines.runner):
        named = f"the runner is {', '.join(pipelines.runner)}" if pipelines.runner else "no runner is named"
        label = f"{SELF_HOSTED} among the labels" if github else "its tag"
        yield Finding(
            ("pipelines", "runner"),
            f"{named}, and neither aws nor gcp is set: a runner of {pipelines.provider} does not know the "
            f"context {settings.cluster.context}",
            f"name the cloud's cluster and roles, or a runner of your own: {label}",
            also=(("pipelines", "provider"),),
        )


def approvals_are_asked_for(settings: StackConfig) -> Iterator[Finding]:
    """Somebody looks before production changes, and as many as the provider can ask."""
    pipelines, stack = settings.pipelines, settings.stack
    if not pipelines.provider:
        return
    if pipelines.approvals == 0 and stack.environment is Environment.PROD:
        yield Finding(
            ("pipelines", "approvals"),
            f"0, and {stack} is a prod stack: nobody would look before it changes",
            "use 1 or more",
            also=(("pipelines", "provider"),),
        )
    if pipelines.approvals > 1 and pipelines.provider is Provider.GITHUB:
        yield Finding(
            ("pipelines", "approvals"),
            f"{pipelines.approvals}, and provider is github, where any one reviewer is enough",
            "use 1, and prevent self-review at the environment",
            also=(("pipelines", "provider"),),
        )


def _and(keys: list[str]) -> str:
    return f"{', '.join(keys)} {'is' if len(keys) == 1 else 'are'}"
