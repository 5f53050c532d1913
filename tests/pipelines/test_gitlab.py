"""What GitLab's pipeline keeps: forks get nothing, applies wait for people, tokens are of one job."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.pipelines import plans

pytestmark = pytest.mark.unit
Data = dict[str, Any]
BESIDE = {"stages", "workflow", "variables", "default"}


def pipeline(plan: str) -> Data:
    found: Data = yaml.safe_load(plans.files(plan)[".gitlab-ci.yml"])
    return found


def jobs(plan: str) -> Data:
    return {key: value for key, value in pipeline(plan).items() if key not in BESIDE}


def conditions(job: Data) -> list[str]:
    return [rule["if"] for rule in job["rules"]]


@pytest.mark.parametrize("plan", plans.GITLAB)
def test_every_job_has_a_stage_a_script_and_an_end(plan: str) -> None:
    known = set(pipeline(plan)["stages"])
    for name, job in jobs(plan).items():
        assert job["stage"] in known, name
        assert job["script"], name
        assert job["timeout"].endswith(" minutes"), name
        assert job["rules"], name


@pytest.mark.parametrize("plan", plans.GITLAB)
def test_a_job_waits_only_for_jobs_that_are_there_whenever_it_is(plan: str) -> None:
    found = jobs(plan)
    for name, job in found.items():
        for need in job.get("needs", []):
            before = found[need if isinstance(need, str) else need["job"]]
            for condition in conditions(job):
                assert any(condition.startswith(earlier) for earlier in conditions(before)), name


def test_a_change_is_applied_by_hand_one_at_a_time_and_never_cut_short() -> None:
    for name in ("ledger-staging", "ledger-prod"):
        job = jobs("gitlab three stacks")[f"apply-{name}"]
        assert {(rule["when"], rule["allow_failure"]) for rule in job["rules"]} == {("manual", False)}
        assert (job["resource_group"], job["interruptible"]) == (f"slipway-{name}", False)
        assert job["environment"]["name"] == name
        assert job["needs"] == [f"plan-{name}"]
    dev = jobs("gitlab three stacks")["apply-ledger-dev"]
    assert not any("when" in rule for rule in dev["rules"])


def test_environments_are_planned_one_after_the_other() -> None:
    found = jobs("gitlab three stacks")
    assert [found[f"plan-{name}"]["needs"] for name in plans.THREE] == [
        [],
        ["apply-ledger-dev"],
        ["apply-ledger-staging"],
    ]


@pytest.mark.parametrize("plan", ["gitlab three stacks", "gitlab own runner"])
def test_a_forks_merge_request_gets_no_right_and_says_nothing(plan: str) -> None:
    found = jobs(plan)
    for name in ("comment", *(f"review-{stack}" for stack in plans.THREE)):
        for condition in conditions(found[name]):
            assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in condition


def test_only_jobs_on_a_stack_and_those_that_push_have_a_token() -> None:
    found = jobs("gitlab ECR")
    tokens = {name.split("-")[0] for name, job in found.items() if "id_tokens" in job}
    assert tokens == {"publish", "scan", "review", "plan", "apply", "release", "drift", "backups"}
    assert not any(
        "id_tokens" in found[name]
        for name in ("check", "test", "try", "comment", "tell-drift", "record-ledger-prod")
    )
    assert "id_tokens" not in jobs("gitlab three stacks")["publish"]


def test_a_job_takes_the_role_of_what_it_does() -> None:
    found = jobs("gitlab three stacks")
    roles = {name: job["variables"]["AWS_ROLE_ARN"] for name, job in found.items() if "id_tokens" in job}
    assert roles["review-ledger-prod"] == roles["plan-ledger-prod"] == f"{plans.ROLE}/ledger-prod-review"
    assert roles["apply-ledger-prod"] == roles["release-ledger-prod"] == f"{plans.ROLE}/ledger-prod-apply"
    assert roles["drift-ledger-prod"] == roles["backups-ledger-prod"] == f"{plans.ROLE}/ledger-prod-watch"
    audiences = {job["id_tokens"]["CLOUD_TOKEN"]["aud"] for job in found.values() if "id_tokens" in job}
    assert audiences == {"https://gitlab.com"}


def test_what_a_pipeline_is_asked_for_happens_and_nothing_else() -> None:
    found = jobs("gitlab three stacks")
    asked = pipeline("gitlab three stacks")["variables"]["SLIPWAY"]["options"]
    for word in asked:
        started = {name for name, job in found.items() for each in conditions(job) if f'== "{word}"' in each}
        kinds = {name.split("-")[0] for name in started}
        wanted = {
            "test": {"check", "test"},
            "apply": {"plan", "apply"},
            "release": {"release", "record"},
            "rollback": {"release", "record"},
            "drift": {"drift", "tell"},
            "backups": {"backups", "tell"},
        }
        assert kinds == wanted[word], word


def test_a_release_is_recorded_however_it_ended_by_the_jobs_own_token() -> None:
    found = jobs("gitlab three stacks")
    for stack in plans.THREE:
        release, record = found[f"release-{stack}"], found[f"record-{stack}"]
        assert "git checkout --quiet --force FETCH_HEAD" in release["before_script"][0]
        assert "released/" in release["after_script"][0]
        assert (release["artifacts"]["paths"], release["artifacts"]["when"]) == (["released/"], "always")
        assert record["needs"] == [{"job": f"release-{stack}", "artifacts": True}]
        assert conditions(record) == conditions(release)
        assert {rule["when"] for rule in record["rules"]} == {"always"}
        assert record["resource_group"] == release["resource_group"]
        assert "environment" not in record
        assert record["variables"]["TOKEN"] == "$CI_JOB_TOKEN"


def test_the_review_stands_beside_the_merge_request_also_without_a_token() -> None:
    review = jobs("gitlab prod alone")["review-ledger-prod"]
    assert review["artifacts"]["expose_as"] == "Review of ledger-prod"
    assert review["artifacts"]["paths"] == ["review/ledger-prod.md"]
    assert all("$SLIPWAY_TOKEN" in each for each in conditions(jobs("gitlab prod alone")["comment"]))


def test_the_image_is_pushed_with_its_provenance_and_scanned_by_digest() -> None:
    found = jobs("gitlab three stacks")
    assert "--provenance mode=max --sbom true --push" in found["publish"]["script"][0]
    assert found["publish"]["artifacts"] == {"reports": {"dotenv": "image.env"}}
    assert '"registry:$IMAGE" --only-fixed --fail-on high' in found["scan"]["script"][0]


def test_tags_choose_the_runner_of_every_job() -> None:
    assert pipeline("gitlab own runner")["default"]["tags"] == ["in-house"]
    assert jobs("gitlab own runner")["apply-ledger-prod"]["tags"] == ["in-house"]
    assert "tags" not in pipeline("gitlab three stacks")["default"]


def test_without_a_schedule_nothing_is_watched() -> None:
    assert not [name for name in jobs("gitlab unwatched") if name.startswith(("drift", "backups", "tell"))]
