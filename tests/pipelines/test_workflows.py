"""What every workflow keeps: least rights, nothing of a stranger's in a script, no apply cut short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from infra.render.pipelines.actions import Action
from tests.pipelines import plans

pytestmark = pytest.mark.unit
Data = dict[str, Any]
CHANGING = ("apply-", "release-")
FORK = "github.event.pull_request.head.repo.full_name == github.repository"
WRITES = {"comment": {"pull-requests": "write"}, "tell": {"issues": "write"}, "record": {"contents": "write"}}


def workflows() -> Iterator[tuple[str, Data]]:
    """Every workflow of every plan, by plan and file."""
    for name in plans.GITHUB:
        for path, text in plans.files(name).items():
            yield f"{name}: {path.rpartition('/')[2]}", yaml.safe_load(text)


def jobs() -> Iterator[tuple[str, Data]]:
    for where, data in workflows():
        for name, job in data["jobs"].items():
            yield f"{where}: {name}", job


def one(plan: str, kind: str) -> Data:
    """A workflow of a plan."""
    found: Data = yaml.safe_load(plans.files(plan)[f".github/workflows/slipway-{kind}.yml"])
    return found


def given(step: Data) -> Data:
    inputs: Data = step.get("with", {})
    return inputs


def test_a_workflow_grants_nothing_and_a_job_what_it_names() -> None:
    assert {where for where, data in workflows() if data["permissions"] != {}} == set()
    writes = {where.rpartition(": ")[2] for where, job in jobs() if job["permissions"]["contents"] != "read"}
    assert writes == {"record"}


def test_a_job_has_the_rights_of_what_it_does_and_no_others() -> None:
    rights: dict[str, set[tuple[str, str]]] = {}
    for where, job in jobs():
        kind = re.sub(r"-(ledger|shop)-\w+$", "", where.rpartition(": ")[2])
        rights.setdefault(kind, set()).update(item for item in job["permissions"].items())
    read, oidc = ("contents", "read"), ("id-token", "write")
    assert rights == {
        **{kind: {read} for kind in ("check", "test", "try")},
        **{kind: {read, oidc} for kind in ("review", "plan", "apply", "drift", "backups", "release")},
        "publish": {read, oidc, ("packages", "write"), ("attestations", "write")},
        "scan": {
            read,
            oidc,
            ("packages", "read"),
        },  # a cloud's registry by its token, GitHub's own by the job's
        "comment": {read, ("pull-requests", "write")},
        "tell": {read, ("issues", "write")},
        "record": {("contents", "write")},
    }


def test_who_may_write_there_has_no_right_to_the_cloud_and_installs_nothing() -> None:
    for where, job in jobs():
        if where.rpartition(": ")[2] in WRITES:
            assert "id-token" not in job["permissions"], where
            assert "environment" not in job, where
            assert not any("pip install" in step.get("run", "") for step in job["steps"]), where


def test_an_expression_stands_in_no_script() -> None:
    scripts = [(where, step["run"]) for where, job in jobs() for step in job["steps"] if "run" in step]
    assert scripts
    assert [where for where, script in scripts if "${{" in script] == []


def test_no_secret_is_stored_anywhere() -> None:
    assert [
        path for name in plans.GITHUB for path, text in plans.files(name).items() if "secrets." in text
    ] == []


def test_each_action_is_a_commit_with_its_version_beside_it() -> None:
    lines = {
        line.strip().removeprefix("- ")
        for name in plans.GITHUB
        for text in plans.files(name).values()
        for line in text.splitlines()
        if "uses:" in line
    }
    assert lines == {f"uses: {action.value.reference} # {action.value.version}" for action in Action}


def test_no_checkout_leaves_its_token() -> None:
    checkouts = [
        (where, step)
        for where, job in jobs()
        for step in job["steps"]
        if step.get("uses") == Action.CHECKOUT.value.reference
    ]
    assert checkouts
    assert [where for where, step in checkouts if given(step)["persist-credentials"] is not False] == []


def test_every_job_ends_in_time() -> None:
    assert {where for where, job in jobs() if not 5 <= job["timeout-minutes"] <= 60} == set()


def test_only_who_may_read_and_nothing_else_has_a_cache_and_it_is_of_its_lock() -> None:
    cached = [
        (job["permissions"], given(step)["key"])
        for _, job in jobs()
        for step in job["steps"]
        if step.get("uses") == Action.CACHE.value.reference
    ]
    assert cached
    assert all(rights == {"contents": "read"} for rights, _ in cached)
    assert {key for _, key in cached} == {"uv-${{ runner.os }}-3.11-${{ hashFiles('requirements/dev.txt') }}"}
    others = [key for _, job in jobs() for step in job["steps"] for key in given(step) if "cache" in key]
    assert others == []


@pytest.mark.parametrize("plan", ["github three stacks", "github two teams", "github own runner"])
def test_what_changes_a_stack_is_approved_comes_alone_and_is_never_cancelled(plan: str) -> None:
    for kind in ("apply", "release"):
        changing = {key: job for key, job in one(plan, kind)["jobs"].items() if key.startswith(CHANGING)}
        assert changing
        for key, job in changing.items():
            stack = key.partition("-")[2]
            assert job["environment"] == stack
            assert job["concurrency"] == {"group": f"slipway-{stack}", "cancel-in-progress": False}
    assert "concurrency" not in one(plan, "apply")


def test_a_release_begins_where_the_one_before_it_was_recorded() -> None:
    release = one("github three stacks", "release")
    assert release["concurrency"] == {
        "group": "slipway-release-${{ inputs.stack }}",
        "cancel-in-progress": False,
    }
    for job in release["jobs"].values():
        assert given(job["steps"][0]) == {"persist-credentials": False, "ref": "main"}


def test_a_release_is_recorded_however_it_ended() -> None:
    found = one("github three stacks", "release")["jobs"]
    for stack in plans.THREE:
        keep, upload = found[f"release-{stack}"]["steps"][-2:]
        assert keep["if"] == upload["if"] == "${{ always() }}"
        assert given(upload) | {"name": f"released-{stack}", "path": "released/"} == given(upload)
    record = found["record"]
    assert record["needs"] == [f"release-{stack}" for stack in plans.THREE]
    assert record["if"] == "${{ always() && github.ref == 'refs/heads/main' }}"
    download, recorded = record["steps"][-2:]
    assert given(download)["pattern"] == "released-*"
    assert recorded["env"]["STACK"] == "${{ inputs.stack }}"


def test_a_forks_code_gets_no_right_and_says_nothing() -> None:
    for job in one("github three stacks", "review")["jobs"].values():
        assert FORK in job["if"]
    events = {event for _, data in workflows() for event in data["on"]}
    assert events == {"pull_request", "push", "workflow_dispatch", "schedule"}


def test_the_comment_is_written_by_the_branchs_own_code() -> None:
    comment = one("github three stacks", "review")["jobs"]["comment"]
    assert given(comment["steps"][0])["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert comment["needs"] == [f"review-{stack}" for stack in plans.THREE]


def test_what_is_applied_is_what_was_planned_environment_by_environment() -> None:
    found = one("github two teams", "apply")["jobs"]
    assert list(found)[:2] == ["plan-ledger-dev", "apply-ledger-dev"]
    assert {key: job["needs"] for key, job in found.items() if "needs" in job} == {
        "apply-ledger-dev": "plan-ledger-dev",
        "plan-ledger-staging": "apply-ledger-dev",
        "apply-ledger-staging": "plan-ledger-staging",
        "plan-ledger-prod": "apply-ledger-staging",
        "apply-ledger-prod": "plan-ledger-prod",
        "apply-shop-staging": "plan-shop-staging",
        "plan-shop-prod": "apply-shop-staging",
        "apply-shop-prod": "plan-shop-prod",
    }
    applied = found["apply-ledger-prod"]["steps"][-1]
    assert applied["env"]["DIGEST"] == "${{ needs.plan-ledger-prod.outputs.DIGEST }}"
    assert 'slipway apply "$STACK" --reviewed "$DIGEST"' in applied["run"]


ROLES = [("review", "review"), ("drift", "watch"), ("backups", "watch"), ("release", "apply")]


@pytest.mark.parametrize(("kind", "who"), ROLES)
def test_a_job_takes_the_role_of_what_it_does(kind: str, who: str) -> None:
    roles = {
        key: given(step)["role-to-assume"]
        for key, job in one("github three stacks", kind)["jobs"].items()
        for step in job["steps"]
        if step.get("uses") == Action.AWS.value.reference
    }
    assert f"{kind}-ledger-prod" in roles
    assert roles == {key: f"{plans.ROLE}/{key.partition('-')[2]}-{who}" for key in roles}


def test_the_plan_of_the_branch_is_made_under_the_reviews_role() -> None:
    for key, job in one("github three stacks", "apply")["jobs"].items():
        (taken,) = (step for step in job["steps"] if step.get("uses") == Action.AWS.value.reference)
        assert given(taken)["role-to-assume"].endswith("-review" if key.startswith("plan-") else "-apply")


def test_a_context_is_made_as_the_stack_names_it() -> None:
    (made,) = (
        step
        for step in one("github prod alone", "review")["jobs"]["review-ledger-prod"]["steps"]
        if step["name"] == "Make the context"
    )
    assert made["env"] == {
        "REGION": "ap-northeast-2",
        "CLUSTER": "ledger-prod",
        "CONTEXT": "ledger-prod-context",
        "KUBECONFIG_FILE": "",
    }
    google = one("github Google Cloud", "review")["jobs"]["review-ledger-prod"]["steps"]
    assert given(next(step for step in google if step["name"] == "Make the context"))["context_name"] == (
        "ledger-prod-context"
    )


def test_a_job_of_ones_own_runner_takes_no_cloud() -> None:
    for job in one("github own runner", "apply")["jobs"].values():
        assert job["runs-on"] == ["self-hosted", "linux"]
        assert [
            step["name"] for step in job["steps"] if "role" in step["name"] or "account" in step["name"]
        ] == []


def test_the_image_is_scanned_by_the_digest_that_was_pushed() -> None:
    built = one("github three stacks", "build")["jobs"]
    push = next(step for step in built["publish"]["steps"] if step["name"] == "Build")
    assert given(push) | {"push": True, "provenance": "mode=max", "sbom": True} == given(push)
    attest = next(step for step in built["publish"]["steps"] if step["name"].startswith("Attest"))
    assert given(attest)["subject-digest"] == "${{ steps.build.outputs.digest }}"
    assert attest["if"] == (
        "${{ github.event.repository.visibility == 'public' || vars.SLIPWAY_ATTEST == 'true' }}"
    )
    (scan,) = (step for step in built["scan"]["steps"] if step["name"] == "Scan")
    assert given(scan)["image"] == "${{ needs.publish.outputs.image }}"
    assert (given(scan)["severity-cutoff"], given(scan)["only-fixed"]) == ("high", True)


def test_a_pull_requests_image_is_pushed_nowhere() -> None:
    tried = one("github three stacks", "build")["jobs"]["try"]
    assert tried["if"] == "${{ github.event_name == 'pull_request' }}"
    assert [given(step)["push"] for step in tried["steps"] if step["name"] == "Build"] == [False]


def test_each_stack_is_watched_at_its_own_time() -> None:
    drift = one("github three stacks", "drift")
    assert drift["on"]["schedule"] == [{"cron": "17 5 * * *"}, {"cron": "17 */6 * * *"}]
    assert list(drift["jobs"]) == ["drift-ledger-staging", "drift-ledger-prod", "tell"]
    assert "github.event.schedule == '17 */6 * * *'" in drift["jobs"]["drift-ledger-prod"]["if"]


@pytest.mark.parametrize("kind", ["drift", "backups"])
def test_without_a_schedule_nothing_waits_for_one(kind: str) -> None:
    assert f".github/workflows/slipway-{kind}.yml" not in plans.files("github unwatched")


def test_tests_run_on_the_databases_of_the_catalogue() -> None:
    job = one("github three stacks", "test")["jobs"]["test"]
    assert {name: service["image"] for name, service in job["services"].items()} == {
        "postgres": "postgres:15.14-bookworm",
        "redis": "redis:7.0.15-bookworm",
    }
    environment = job["steps"][-1]["env"]
    assert environment["TEST_POSTGRES_URL"].endswith("@127.0.0.1:15432/postgres")
    assert job["services"]["postgres"]["ports"] == ["15432:5432"]
    assert environment["SELECTION"] == "${{ inputs.selection || 'tests/app tests/contract' }}"


def test_the_branch_is_the_one_that_the_stacks_name() -> None:
    plan = "github release branch"
    assert one(plan, "apply")["on"]["push"]["branches"] == ["release/1.x"]
    assert (
        "github.ref == 'refs/heads/release/1.x'" in one(plan, "release")["jobs"]["release-ledger-prod"]["if"]
    )
