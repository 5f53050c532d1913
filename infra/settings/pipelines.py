"""Section ``pipelines``: who tests, builds, reviews and applies the stack, and as whom at the cloud."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from infra.settings.base import Host, ListRule, Schedule, Section, merged_by

LABEL = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
# IAM API, Role: path and name. The account's number stands in it, and trust policies take it from there.
ROLE = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}$"
ACCOUNT = r"^[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z][a-z0-9-]{4,28}[a-z0-9]\.iam\.gserviceaccount\.com$"
POOL = r"^projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}$"
Role = Annotated[
    str, Field(pattern=ROLE, max_length=2048, examples=["arn:aws:iam::123456789012:role/ledger-prod-apply"])
]
Account = Annotated[
    str, Field(pattern=ACCOUNT, examples=["ledger-prod-apply@ledger-prod.iam.gserviceaccount.com"])
]
Audience = Annotated[str, Field(pattern=r"^[A-Za-z0-9:/._-]{1,255}$", examples=["sts.amazonaws.com"])]
Cluster = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", examples=["ledger-prod"])]


class Provider(StrEnum):
    """Who runs the pipelines?"""

    GITHUB = "github"
    GITLAB = "gitlab"


class Aws(Section):
    """The stack's cluster at AWS, and the roles that a job takes by its OIDC token; no key is stored."""

    region: str | None = Field(
        None,
        pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$",
        description="Region of the EKS cluster.",
        examples=["ap-northeast-2"],
    )
    cluster: Cluster | None = Field(None, description="Name of the EKS cluster behind cluster.context.")
    audience: Audience = Field(
        "sts.amazonaws.com", description="Audience of the token, as the account's identity provider has it."
    )
    push_role: Role | None = Field(None, description="Role that pushes the image to ECR; the branch alone.")
    review_role: Role | None = Field(
        None, description="Role that reads state and cluster for a review; pull requests and the branch."
    )
    watch_role: Role | None = Field(
        None, description="Role that looks for drift and checks backups by schedule; the branch alone."
    )
    apply_role: Role | None = Field(
        None, description="Role that changes the stack; the stack's own environment alone."
    )


class Gcp(Section):
    """The stack's cluster at Google Cloud, and the service accounts that a job takes by its OIDC token."""

    project: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
        description="Project of the GKE cluster.",
        examples=["ledger-prod"],
    )
    location: str | None = Field(
        None,
        pattern=r"^[a-z]+-[a-z]+[0-9]{1,2}(-[a-z])?$",
        description="Region or zone of the GKE cluster.",
        examples=["asia-northeast3"],
    )
    cluster: Cluster | None = Field(None, description="Name of the GKE cluster behind cluster.context.")
    identity_provider: str | None = Field(
        None,
        pattern=POOL,
        description="Workload identity provider that trusts the tokens, its full name.",
        examples=["projects/123456789012/locations/global/workloadIdentityPools/pipelines/providers/github"],
    )
    push_account: Account | None = Field(None, description="Account that pushes to Artifact Registry.")
    review_account: Account | None = Field(
        None, description="Account that reads state and cluster for a review."
    )
    watch_account: Account | None = Field(
        None, description="Account that looks for drift and checks backups by schedule."
    )
    apply_account: Account | None = Field(None, description="Account that changes the stack.")


class Pipelines(Section):
    """Nothing is rendered without a provider. A job gets the cloud by OIDC, and no secret is stored."""

    provider: Provider | None = Field(None, description="Who runs the pipelines; none without.")
    repository: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_.@-]{1,100}(/[A-Za-z0-9_.@-]{1,100}){1,20}$",
        description="The repository as its tokens name it, which the cloud's trust is for.",
        examples=["team/ledger"],
    )
    branch: str = Field(
        "main",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$",
        description="Branch whose commits are built and applied; changes are reviewed against it.",
        examples=["main"],
    )
    runner: tuple[Annotated[str, Field(pattern=LABEL, examples=["self-hosted"])], ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Labels (GitHub) or tags (GitLab) of the runner; without any the provider's own.",
    )
    registry: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$",
        max_length=255,
        description="Where the service's image is pushed to: registry and repository, without a tag.",
        examples=["ghcr.io/team/ledger"],
    )
    state: str | None = Field(
        None,
        pattern=r"^(s3|gs)://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?(\?[A-Za-z0-9=&._-]+)?$",
        description="Pulumi's backend: the bucket of the stack's state.",
        examples=["s3://ledger-state?region=ap-northeast-2"],
    )
    tests: tuple[
        Annotated[str, Field(pattern=r"^tests(/[A-Za-z0-9_.-]+)*$", examples=["tests/app"])], ...
    ] = Field(
        ("tests/app", "tests/contract"),
        min_length=1,
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="What pytest runs on a real PostgreSQL and Redis: files or folders.",
    )
    approvals: int = Field(
        1, ge=0, le=10, description="People who must approve before a change is applied; 0: at once."
    )
    timeout_minutes: int = Field(
        30, ge=5, le=360, description="Minutes after which a job on the stack is ended."
    )
    drift_schedule: Schedule | None = Field(
        "17 5 * * *", description="Cron schedule (UTC) of the look for drift; never where it is null."
    )
    drill_schedule: Schedule | None = Field(
        "17 8 * * *",
        description="Cron schedule (UTC) of the check of backups and their drill; never where it is null.",
    )
    gitlab_host: Host = Field("gitlab.com", description="The GitLab server, which issues the tokens.")
    aws: Aws = Field(Aws(), description="Cluster and roles at AWS.")
    gcp: Gcp = Field(Gcp(), description="Cluster and accounts at Google Cloud.")

    @property
    def at_aws(self) -> bool:
        """Whether the stack's jobs take a role at AWS."""
        return self.aws.apply_role is not None

    @property
    def at_gcp(self) -> bool:
        """Whether the stack's jobs take an account at Google Cloud."""
        return self.gcp.apply_account is not None
