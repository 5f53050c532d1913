"""Plans of many repositories: by provider, cloud, registry, runner and stacks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from infra.render.generate import STACKS
from infra.render.pipelines import everything, plan
from infra.render.pipelines.plan import Plan
from infra.settings import document, layers, model
from infra.settings.merge import merge
from infra.settings.model import Settings, defaults
from infra.settings.stack import StackName

ROLE = "arn:aws:iam::123456789012:role"
POOL = "projects/123456789012/locations/global/workloadIdentityPools/pipelines/providers/github"
ECR = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/ledger"
GAR = "asia-northeast3-docker.pkg.dev/ledger/images/ledger"
THREE = ("ledger-dev", "ledger-staging", "ledger-prod")
OWN = {"repository": "team/ledger", "state": "s3://ledger-state"}


def aws(name: str, **more: str) -> dict[str, Any]:
    """Cluster and roles of a stack at AWS."""
    roles = {f"{who}_role": f"{ROLE}/{name}-{who}" for who in ("review", "watch", "apply")}
    return {"aws": {"region": "ap-northeast-2", "cluster": name, **roles, **more}}


def gcp(name: str, **more: str) -> dict[str, Any]:
    """Cluster and accounts of a stack at Google Cloud."""
    accounts = {
        f"{who}_account": f"{name}-{who}@ledger-project.iam.gserviceaccount.com"
        for who in ("review", "watch", "apply")
    }
    where = {"project": "ledger-project", "location": "asia-northeast3", "cluster": name}
    return {"gcp": {**where, "identity_provider": POOL, **accounts, **more}}


def stack(name: str, pipelines: Mapping[str, Any], **sections: Any) -> Settings:
    """A stack of its environment's profile with these pipelines; raises ValidationError."""
    parsed = StackName.parse(name)
    profile = document.read(layers.profile_file(parsed.environment, STACKS)).data
    own = {
        "cluster": {"context": f"{name}-context"},
        "images": {"service": "ghcr.io/team/ledger:1", "backups": "ghcr.io/team/backups:1"},
        "backups": {"enabled": True, "bucket": "ledger-backups"},
        "pipelines": {**OWN, **pipelines},
        **sections,
    }
    merged = merge(merge(defaults(), profile, layers.UNIONS), own, layers.UNIONS)
    return model.of(Settings, parsed, merged)


def repository(*stacks: Settings) -> Plan:
    """The plan of stacks whose secrets a key service keeps."""
    return plan.of(stacks, {str(each.stack): "awskms://alias/ledger" for each in stacks})


def github(*names: str, registry: str = "ghcr.io/team/ledger", **more: Any) -> Plan:
    """Stacks at AWS, run by GitHub."""
    own = {"provider": "github", "registry": registry, **more}
    push = {"push_role": f"{ROLE}/push"} if registry == ECR else {}
    return repository(*(stack(name, {**own, **aws(name, **push)}) for name in names))


def gitlab(*names: str, registry: str = "registry.gitlab.com/team/ledger", **more: Any) -> Plan:
    """Stacks at AWS, run by GitLab."""
    own = {"provider": "gitlab", "registry": registry, **more}
    push = {"push_role": f"{ROLE}/push"} if registry == ECR else {}
    named = {name: aws(name, audience="https://gitlab.com", **push) for name in names}
    return repository(*(stack(name, {**own, **cloud}) for name, cloud in named.items()))


def _google() -> Plan:
    own = {"provider": "github", "registry": GAR, "state": "gs://ledger-state"}
    push = {"push_account": "push-ledger@ledger-project.iam.gserviceaccount.com"}
    return repository(*(stack(name, {**own, **gcp(name, **push)}) for name in THREE))


def _own_runner(provider: str, registry: str, labels: tuple[str, ...]) -> Plan:
    own = {"provider": provider, "registry": registry, "runner": labels}
    return repository(*(stack(name, own) for name in THREE))


@cache
def plans() -> dict[str, Plan]:
    """Name → plan; together they have every option of a render."""
    unwatched: dict[str, Any] = {"drift_schedule": None, "drill_schedule": None}
    return {
        "github three stacks": github(*THREE),
        "github prod alone": github("ledger-prod"),
        "github dev alone": github("ledger-dev"),
        "github two teams": github(*THREE, "shop-staging", "shop-prod"),
        "github ECR": github(*THREE, registry=ECR),
        "github Google Cloud": _google(),
        "github own runner": _own_runner("github", "ghcr.io/team/ledger", ("self-hosted", "linux")),
        "github unwatched": github(*THREE, **unwatched),
        "github release branch": github(*THREE, branch="release/1.x", tests=("tests/app/test_text.py",)),
        "gitlab three stacks": gitlab(*THREE),
        "gitlab prod alone": gitlab("ledger-prod", approvals=3),
        "gitlab two teams": gitlab(*THREE, "shop-staging", "shop-prod"),
        "gitlab ECR": gitlab(*THREE, registry=ECR),
        "gitlab own runner": _own_runner("gitlab", "registry.example.com/team/ledger", ("in-house",)),
        "gitlab unwatched": gitlab(*THREE, **unwatched),
    }


@cache
def files(name: str) -> dict[str, str]:
    """The rendered files of a plan."""
    return everything.files(plans()[name])


GITHUB = tuple(name for name in plans() if name.startswith("github"))
GITLAB = tuple(name for name in plans() if name.startswith("gitlab"))
