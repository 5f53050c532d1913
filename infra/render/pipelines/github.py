"""A repository's own workflows of GitHub: its tests, its image. github_stacks.py has those of its stacks."""

from __future__ import annotations

from typing import Any

from infra.images import PUBLIC, Image
from infra.render.pipelines import steps
from infra.render.pipelines.actions import Action
from infra.render.pipelines.plan import Plan
from infra.render.pipelines.steps import Step, run, use
from infra.render.pipelines.text import file

Workflow = dict[str, Any]
FOLDER = ".github/workflows"
# High, so that they stand beside a database of the runner's own.
POSTGRES_PORT, REDIS_PORT = 15432, 16379
PASSWORD = "of-this-job-alone"  # noqa: S105  of a database that ends with its job
IMAGE_PATHS = ["app/**", "requirements/service.txt", ".dockerignore"]
DOCKERFILE = "app/Dockerfile"
TRIED = "slipway-service:tried"
TEST_MINUTES, BUILD_MINUTES = 30, 30
BY_PULL_REQUEST = "${{ github.event_name == 'pull_request' }}"
HIGH_AND_FIXED = {"fail-build": True, "severity-cutoff": "high", "only-fixed": True, "output-format": "table"}
# A private repository can attest in an enterprise's plan alone; BuildKit's provenance is beside every image.
ATTESTED = "${{ github.event.repository.visibility == 'public' || vars.SLIPWAY_ATTEST == 'true' }}"
READ = {"contents": "read"}
JOB_KEYS = ("name", "if", "needs", "runs-on", "timeout-minutes", "environment", "concurrency", "permissions")
STEP_KEYS = ("name", "id", "if", "uses", "with", "env", "run")


def workflow(name: str, on: Workflow, jobs: Workflow, **more: Any) -> Workflow:
    """Nothing is granted but by a job. Jobs and steps say first what they are and when they run."""
    bash = {"run": {"shell": "bash"}}
    ordered = {
        key: _ordered({**job, "steps": [_ordered(step, STEP_KEYS) for step in job["steps"]]}, JOB_KEYS)
        for key, job in jobs.items()
    }
    return {"name": f"slipway {name}", "on": on, "permissions": {}, "defaults": bash, **more, "jobs": ordered}


def _ordered(data: Workflow, keys: tuple[str, ...]) -> Workflow:
    """The keys in this order, those that are not among them behind."""
    rank = {key: place for place, key in enumerate(keys)}
    return dict(sorted(data.items(), key=lambda item: rank.get(item[0], len(rank))))


def concurrency(group: str, *, cancel: bool | str) -> Workflow:
    """One run of a group at a time."""
    return {"group": group, "cancel-in-progress": cancel}


def files(plan: Plan) -> dict[str, str]:
    """Path → text of test and build."""
    return {
        f"{FOLDER}/slipway-test.yml": file("Lint, types, and tests on real servers.", test(plan)),
        f"{FOLDER}/slipway-build.yml": file(
            "The service's image: built, scanned, pushed with its provenance.", build(plan)
        ),
    }


def test(plan: Plan) -> Workflow:
    """Every pull request and every commit of the branch."""
    branch = {"branches": [plan.shared.branch]}
    selection = {
        "description": "What pytest runs: files or folders, separated by blanks",
        "type": "string",
        "default": " ".join(plan.shared.tests),
    }
    on = {
        "pull_request": branch,
        "push": branch,
        "workflow_dispatch": {"inputs": {"selection": selection}},
    }
    one = concurrency("slipway-test-${{ github.ref }}", cancel=BY_PULL_REQUEST)
    return workflow("test", on, {"check": _check(plan), "test": _test(plan)}, concurrency=one)


def _job(plan: Plan, name: str, minutes: int, **more: Any) -> Workflow:
    runner = steps.runner(plan.stacks[0])
    return {"name": name, "runs-on": runner, "timeout-minutes": minutes, "permissions": READ, **more}


def _check(plan: Plan) -> Workflow:
    checks: list[Step] = [
        steps.checkout(),
        *steps.python(steps.DEV, cached=True),
        run("Lint", "check"),
        {"name": "Types", "run": "mypy"},
        {"name": "Stack files", "run": "slipway check --all --format github"},
        run("Pipelines are as rendered", "rendered", STACKS=" ".join(plan.names)),
    ]
    return _job(plan, "Lint and types", TEST_MINUTES, steps=checks)


def _service(image: Image, port: str, health: str, **more: Any) -> Workflow:
    options = f'--health-cmd "{health}" --health-interval 2s --health-timeout 5s --health-retries 30'
    return {"image": str(PUBLIC[image]), **more, "ports": [port], "options": options}


def _test(plan: Plan) -> Workflow:
    postgres = _service(
        Image.POSTGRES,
        f"{POSTGRES_PORT}:5432",
        "pg_isready --username postgres",
        env={"POSTGRES_PASSWORD": PASSWORD},
    )
    redis = _service(Image.REDIS, f"{REDIS_PORT}:6379", "redis-cli ping")
    given = {
        "SELECTION": f"${{{{ inputs.selection || '{' '.join(plan.shared.tests)}' }}}}",
        "TEST_POSTGRES_URL": f"postgresql://postgres:{PASSWORD}@127.0.0.1:{POSTGRES_PORT}/postgres",
        "TEST_REDIS_URL": f"redis://127.0.0.1:{REDIS_PORT}/0",
    }
    tested = [steps.checkout(), *steps.python(steps.DEV, cached=True), run("Tests", "pytest", **given)]
    services = {"postgres": postgres, "redis": redis}
    return _job(plan, "Tests on PostgreSQL and Redis", TEST_MINUTES, services=services, steps=tested)


def build(plan: Plan) -> Workflow:
    """A pull request tries the image; a commit of the branch publishes it by digest."""
    paths = [*IMAGE_PATHS, f"{FOLDER}/slipway-build.yml"]
    branch = {"branches": [plan.shared.branch], "paths": paths}
    on = {"pull_request": branch, "push": branch, "workflow_dispatch": {}}
    one = concurrency("slipway-build-${{ github.ref }}", cancel=BY_PULL_REQUEST)
    jobs = {"try": _try(plan), "publish": _publish(plan), "scan": _scan(plan)}
    return workflow("build", on, jobs, concurrency=one)


def _built(**given: Any) -> Step:
    return use("Build", Action.BUILD, context=".", file=DOCKERFILE, **given)


def _try(plan: Plan) -> Workflow:
    tried = [
        steps.checkout(),
        use("Set up buildx", Action.BUILDX),
        _built(load=True, push=False, tags=TRIED),
        use("Scan", Action.SCAN, image=TRIED, **HIGH_AND_FIXED),
    ]
    return _job(plan, "Build and scan", BUILD_MINUTES, steps=tried) | {"if": BY_PULL_REQUEST}


def _on_branch(plan: Plan) -> str:
    return (
        f"${{{{ github.event_name != 'pull_request' && github.ref == 'refs/heads/{plan.shared.branch}' }}}}"
    )


def _rights(plan: Plan, packages: str) -> dict[str, str]:
    """For the registry: GitHub's own takes the job's token, a cloud's takes an OIDC token."""
    own = plan.registry.startswith("ghcr.io/")
    return {**READ, **({"packages": packages} if own else {"id-token": "write"})}


def _publish(plan: Plan) -> Workflow:
    attested = {
        "subject-name": plan.registry,
        "subject-digest": "${{ steps.build.outputs.digest }}",
        "push-to-registry": True,
    }
    built = _built(push=True, provenance="mode=max", sbom=True, tags=f"{plan.registry}:${{{{ github.sha }}}}")
    named = run(
        "Name the image", "image", REPOSITORY=plan.registry, DIGEST="${{ steps.build.outputs.digest }}"
    )
    published = [
        steps.checkout(),
        *steps.registry_login(plan),
        use("Set up buildx", Action.BUILDX),
        {**built, "id": "build"},
        {**use("Attest where it was built", Action.ATTEST, **attested), "if": ATTESTED},
        {**named, "id": "image"},
    ]
    rights = {**_rights(plan, "write"), "id-token": "write", "attestations": "write"}
    job = _job(plan, "Build and push", BUILD_MINUTES, steps=published)
    outputs = {"image": "${{ steps.image.outputs.image }}"}
    return {**job, "if": _on_branch(plan), "permissions": rights, "outputs": outputs}


def _scan(plan: Plan) -> Workflow:
    """The very image that was pushed, by its digest."""
    image = "${{ needs.publish.outputs.image }}"
    scanned = [*steps.registry_login(plan), use("Scan", Action.SCAN, image=image, **HIGH_AND_FIXED)]
    job = _job(plan, "Scan what was pushed", BUILD_MINUTES, steps=scanned)
    return {**job, "needs": "publish", "permissions": _rights(plan, "read")}
