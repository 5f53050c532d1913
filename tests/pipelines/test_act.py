"""GitHub's jobs that need no cloud, run by act on this machine: the steps are the rendered ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.render.pipelines.github import PASSWORD, POSTGRES_PORT, REDIS_PORT
from tests.app.servers import Postgres, RedisServer
from tests.pipelines import forges, hosting
from tests.pipelines.acting import Repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SELECTION = "tests/app/test_categories.py tests/app/test_cache_routes.py tests/contract/test_service.py"
DIGEST = "0123456789abcdef0123456789abcdef"
CHANGE = "**example-prod: 1 change**\n\n- database: storage 20 → 50 GiB, in place\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository.answering(tmp_path_factory.mktemp("act"))


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[Postgres, RedisServer]]:
    """What the job's services are at GitHub, on the ports that the workflow gives them."""
    postgres, redis = Postgres(), RedisServer()
    postgres.port, redis.port = POSTGRES_PORT, REDIS_PORT
    open_to_the_job = f'bind 127.0.0.1\nport {REDIS_PORT}\nsave ""\ndir {redis.folder}\n'
    (redis.folder / "redis.conf").write_text(open_to_the_job)
    try:
        postgres.start()
        redis.start()
        postgres.sql(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")
        postgres.password = PASSWORD
        yield postgres, redis
    finally:
        postgres.remove()
        redis.remove()


def test_lint_types_stack_files_and_renders_pass_as_they_are_rendered(repository: Repository) -> None:
    ran = repository.act("push", "test", "--job", "check")
    assert (ran.code, ran.ended("Lint and types")) == (0, "succeeded"), ran.said
    assert "All checks passed!" in ran.said
    assert "Success: no issues found" in ran.said
    assert "stacks are sound" in ran.said
    assert "files of example-prod: 0 changed" in ran.said


def test_the_tests_run_on_the_jobs_own_postgresql_and_redis(
    repository: Repository, services: tuple[Postgres, RedisServer]
) -> None:
    postgres, _ = services
    before = postgres.sql("SELECT sessions FROM pg_stat_database WHERE datname = 'postgres'")
    asked = {"inputs": {"selection": SELECTION}}
    ran = repository.act("workflow_dispatch", "test", "--job", "test", payload=asked)
    assert (ran.code, ran.ended("Tests on PostgreSQL and Redis")) == (0, "succeeded"), ran.said
    (passed,) = re.findall(r"(\d+) passed", ran.said)
    assert int(passed) > 20
    assert not re.search(r"skipped|failed", ran.said.rpartition("passed")[0].splitlines()[-1])
    after = postgres.sql("SELECT sessions FROM pg_stat_database WHERE datname = 'postgres'")
    assert int(after) > int(before)
    assert postgres.sql("SELECT count(*) FROM pg_database WHERE datname = 'ledger'") == "0"


def test_a_pull_requests_image_is_built_and_judged(repository: Repository) -> None:
    ran = repository.act("pull_request", "build", "--job", "try", payload=repository.pull_request())
    assert (ran.code, ran.ended("Build and scan")) == (0, "succeeded"), ran.said
    assert re.fullmatch(r"localhost/slipway/service:[0-9a-f]{12}\n", repository.kept("image"))
    assert repository.kept("scanned") == "slipway-service:tried true high true\n"


def test_a_review_is_one_comment_that_goes_once_nothing_changes(
    repository: Repository, tmp_path: Path
) -> None:
    kept = forges.github()
    with forges.serving(kept) as url:
        job = {"GITHUB_API_URL": url}
        token = ("--secret", f"GITHUB_TOKEN={kept.token}")
        for text, code, bodies in (
            (CHANGE, 2, [f"<!-- slipway:review -->\n{CHANGE.strip()}"]),
            ("", 0, []),
        ):
            repository.answer(text, code)
            request = repository.pull_request()
            ran = repository.act("pull_request", "review", *token, payload=request, **job)
            assert (ran.code, ran.ended("Comment")) == (0, "succeeded"), ran.said
            assert [note["body"] for note in kept.notes] == bodies
    assert kept.token not in ran.said


def test_a_review_that_fails_fails_the_job_and_says_so(repository: Repository) -> None:
    kept = forges.github()
    with forges.serving(kept) as url:
        repository.answer(code=1)
        token = ("--secret", f"GITHUB_TOKEN={kept.token}")
        request = repository.pull_request()
        ran = repository.act("pull_request", "review", *token, payload=request, GITHUB_API_URL=url)
    assert ran.code != 0
    assert ran.ended("Review example-prod") == "failed"
    (note,) = kept.notes
    assert "**example-prod could not be reviewed**: slipway review ended with 1" in note["body"]


def test_a_forks_pull_request_runs_nothing_and_says_nothing(repository: Repository) -> None:
    kept = forges.github()
    with forges.serving(kept) as url:
        token = ("--secret", f"GITHUB_TOKEN={kept.token}")
        fork = repository.pull_request("mallory/ledger")
        ran = repository.act("pull_request", "review", *token, payload=fork, GITHUB_API_URL=url)
    assert (ran.ended("Review example-prod"), ran.ended("Comment"), kept.heard) == ("", "", [])


def test_what_was_reviewed_is_what_is_applied(repository: Repository) -> None:
    repository.answer(CHANGE, digest=DIGEST)
    ran = repository.act("push", "apply")
    assert (ran.code, ran.ended("Apply example-prod")) == (0, "succeeded"), ran.said
    assert repository.heard == [f"apply example-prod --reviewed {DIGEST}"]


@pytest.mark.parametrize(("code", "ended"), [(0, "succeeded"), (2, "failed")])
def test_without_a_digest_nothing_is_applied(repository: Repository, code: int, ended: str) -> None:
    repository.answer("" if code == 0 else "replaces the database", code)
    ran = repository.act("push", "apply")
    assert (ran.ended("Plan example-prod"), ran.ended("Apply example-prod")) == (ended, ""), ran.said
    assert repository.heard == []


def test_drift_becomes_an_issue(repository: Repository) -> None:
    kept = forges.github()
    with forges.serving(kept) as url:
        repository.answer("replicas 2 → 3\n")
        token = ("--secret", f"GITHUB_TOKEN={kept.token}")
        due = {"schedule": "17 */6 * * *"}
        ran = repository.act("schedule", "drift", *token, payload=due, GITHUB_API_URL=url)
    assert (ran.code, ran.ended("Tell")) == (0, "succeeded"), ran.said
    assert [issue["title"] for issue in kept.issues] == ["Drift of example-prod"]


@pytest.mark.parametrize(("code", "ended"), [(0, "succeeded"), (1, "failed")])
def test_a_release_by_hand_is_of_the_stack_that_was_chosen_and_recorded_however_it_ended(
    repository: Repository, code: int, ended: str
) -> None:
    repository.answer(code=code)
    served, led = repository.serve()
    token = ("--secret", "GITHUB_TOKEN=hunter2-of-the-job")
    image = f"ghcr.io/example/ledger@sha256:{'a' * 64}"
    asked = {"stack": "example-prod", "action": "release", "image": image, "to": ""}
    given = {"inputs": asked}
    leading = {"GIT_CONFIG_GLOBAL": str(led)}
    ran = repository.act("workflow_dispatch", "release", *token, payload=given, **leading)
    assert (ran.code, ran.ended("Release example-prod")) == (code, ended), ran.said
    assert ran.ended("Record") == "succeeded", ran.said
    assert repository.heard == [f"release example-prod --image {image}"]
    shown = hosting.git(served, "show", "--format=%s", "main").splitlines()
    assert shown[0] == "Record release: example-prod"
    assert shown[-1] == f"+# release example-prod --image {image}"
    assert "hunter2-of-the-job" not in ran.said


def test_a_release_of_another_stack_does_not_run(repository: Repository) -> None:
    asked = {"stack": "other", "action": "rollback", "image": "", "to": ""}
    ran = repository.act("workflow_dispatch", "release", payload={"inputs": asked})
    assert ran.ended("Release example-prod") == ""
