"""Steps that several jobs of GitHub have in common; no expression of GitHub's stands in a script."""

from __future__ import annotations

from typing import Any

from infra import versions
from infra.render.pipelines.actions import Action
from infra.render.pipelines.plan import Plan
from infra.render.pipelines.text import script
from infra.render.pipelines.who import Who
from infra.settings.model import Settings

Step = dict[str, Any]
PYTHON = "3.11"
HOSTED = "ubuntu-24.04"
DEV, SLIPWAY = "requirements/dev.txt", "requirements/slipway.txt"
SESSION_SECONDS = 3600  # the least that a role's longest session is (IAM API, MaxSessionDuration)
RUN_URL = "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}"
TOKEN = "${{ github.token }}"  # noqa: S105  an expression, not a value


def use(name: str, action: Action, /, **given: Any) -> Step:
    """A step that uses an action."""
    return {"name": name, "uses": action.value.reference, **({"with": given} if given else {})}


def run(name: str, what: str, /, **environment: str) -> Step:
    """A step that runs the script ``what``."""
    return {"name": name, **({"env": environment} if environment else {}), "run": script(what)}


def runner(settings: Settings) -> str | list[str]:
    """``runs-on`` of a stack's jobs."""
    labels = list(settings.pipelines.runner)
    return labels if len(labels) > 1 else labels[0] if labels else HOSTED


def checkout(**given: str) -> Step:
    """The commit, without leaving the token in the work tree."""
    return use("Check out", Action.CHECKOUT, **{"persist-credentials": False, **given})


def python(requirements: str | None, *, cached: bool = False) -> list[Step]:
    """Python and, in an environment of its own, slipway. A job with rights restores no cache."""
    found = [use("Set up Python", Action.PYTHON, **{"python-version": PYTHON})]
    if cached:
        key = f"uv-${{{{ runner.os }}}}-{PYTHON}-${{{{ hashFiles('{requirements}') }}}}"
        found.append(use("Cache packages", Action.CACHE, path="~/.cache/uv", key=key))
    if requirements:
        found.append(run("Install slipway", "install", REQUIREMENTS=requirements))
    return found


def stack_tools(settings: Settings, who: Who, **given: str) -> list[Step]:
    """What a job on a stack begins with: commit (``given``), slipway, Pulumi, and the cloud as ``who``."""
    installed = use("Install Pulumi", Action.PULUMI, **{"pulumi-version": versions.PULUMI})
    return [checkout(**given), *python(SLIPWAY), installed, *cloud(settings, who)]


def cloud(settings: Settings, who: Who) -> list[Step]:
    """The role or account by the job's OIDC token, and the stack's context in the kubeconfig."""
    pipelines = settings.pipelines
    if pipelines.at_aws:
        role, region = getattr(pipelines.aws, f"{who}_role"), pipelines.aws.region or ""
        known = run("Make the context", "kubeconfig-eks", **context_variables(settings))
        return [aws(role, region, pipelines.aws.audience, f"{settings.stack}-{who}"), known]
    if pipelines.at_gcp:
        account = getattr(pipelines.gcp, f"{who}_account")
        where = {
            "cluster_name": pipelines.gcp.cluster,
            "location": pipelines.gcp.location,
            "project_id": pipelines.gcp.project,
            "context_name": settings.cluster.context,
        }
        return [gcp(settings, account), use("Make the context", Action.GKE, **where)]
    return []


def context_variables(settings: Settings) -> dict[str, str]:
    """What the script reads that makes the context of a cluster at EKS, in the file that the stack names."""
    cluster, aws_cluster = settings.cluster, settings.pipelines.aws
    return {
        "REGION": aws_cluster.region or "",
        "CLUSTER": aws_cluster.cluster or "",
        "CONTEXT": cluster.context or "",
        "KUBECONFIG_FILE": cluster.kubeconfig or "",
    }


def aws(role: str, region: str, audience: str, session: str) -> Step:
    """A role at AWS. ``session``: its name in the cloud's log, 64 characters at most."""
    given = {
        "role-to-assume": role,
        "role-session-name": session[:64],
        "role-duration-seconds": SESSION_SECONDS,
        "audience": audience,
        "aws-region": region,
    }
    return use("Take the role", Action.AWS, **given)


def gcp(settings: Settings, account: str, **more: str) -> Step:
    """An account at Google Cloud."""
    provider = settings.pipelines.gcp.identity_provider
    given = {"workload_identity_provider": provider, "service_account": account, **more}
    return {**use("Take the account", Action.GCP, **given), "id": "cloud"}


def registry_login(plan: Plan) -> list[Step]:
    """Logged in to the image's registry by a token of this job."""
    host = plan.registry.partition("/")[0]
    if host == "ghcr.io":
        return [run("Log in to the registry", "login-ghcr", HOST=host, TOKEN=TOKEN)]
    if plan.push_role and ".dkr.ecr." in host:
        region = host.split(".")[3]
        owner = next(each for each in plan.stacks if each.pipelines.aws.push_role)
        role = aws(plan.push_role, region, owner.pipelines.aws.audience, "slipway-push")
        return [role, run("Log in to the registry", "login-ecr", HOST=host, REGION=region)]
    owner = next(each for each in plan.stacks if each.pipelines.gcp.push_account)
    account = gcp(owner, plan.push_account or "", token_format="access_token")  # noqa: S106
    token = "${{ steps.cloud.outputs.access_token }}"  # noqa: S105
    return [account, run("Log in to the registry", "login-gar", HOST=host, TOKEN=token)]


def artifact(prefix: str, settings: Settings, folder: str, days: int) -> Step:
    """What the job found, kept also where it failed."""
    name = f"{prefix}-{settings.stack}"
    given = {"name": name, "path": f"{folder}/", "if-no-files-found": "error", "retention-days": days}
    return {**use("Keep what was found", Action.UPLOAD, **given), "if": "${{ !cancelled() }}"}


def artifacts(prefix: str, folder: str) -> Step:
    """What all jobs of that prefix found, in one folder."""
    given = {"pattern": f"{prefix}-*", "path": folder, "merge-multiple": True}
    return use("Get what was found", Action.DOWNLOAD, **given)
