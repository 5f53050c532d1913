"""The scripts of the jobs as a runner runs them, with a `slipway` that answers as it is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.paths import ROOT
from tests.pipelines import forges
from tests.pipelines.runner import Runner

pytestmark = pytest.mark.unit
DIGEST = "0123456789abcdef0123456789abcdef"
IMAGE = f"ghcr.io/team/ledger@sha256:{'a' * 64}"
UNREVIEWED = (
    "**ledger-prod could not be reviewed**: slipway review ended with 1; see [the run](https://run).\n"
)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.mark.parametrize(("code", "said"), [(0, ""), (0, "harmless\n"), (2, "replaces the database\n")])
def test_a_review_is_kept_whether_or_not_it_asks_for_an_acknowledgement(
    runner: Runner, code: int, said: str
) -> None:
    runner.answers = {"review ledger-prod --format markdown": (code, said)}
    assert runner.run("review", RUN="https://run").returncode == 0
    assert runner.text("review/ledger-prod.md") == runner.text("summary") == said


def test_a_review_that_failed_says_so_in_the_comment_and_fails(runner: Runner) -> None:
    runner.answers = {"review": (1, "half of it")}
    assert runner.run("review", RUN="https://run").returncode == 1
    assert runner.text("review/ledger-prod.md") == UNREVIEWED


MISUSED = [("review", "review/ledger-prod.md", UNREVIEWED), ("drift", "found/ledger-prod.md", "")]


@pytest.mark.parametrize(("name", "file", "said"), MISUSED)
def test_a_command_that_was_used_wrongly_is_no_review(
    runner: Runner, name: str, file: str, said: str
) -> None:
    runner.answers = {"review": (2, "")}
    assert runner.run(name, RUN="https://run").returncode == 1
    assert runner.text(file) == said


def planned(code: int, digest: str) -> dict[str, tuple[int, str]]:
    return {
        "review ledger-prod --save --format json": (code, f'{{"digest": {digest}}}'),
        "review ledger-prod --format markdown": (code, "storage 20 → 50 GiB\n"),
    }


def test_a_plan_hands_its_digest_on(runner: Runner) -> None:
    runner.answers = planned(0, f'"{DIGEST}"')
    assert runner.run("plan", ACKNOWLEDGE="").returncode == 0
    assert runner.text("output") == f"DIGEST={DIGEST}\n"
    assert runner.text("summary") == "storage 20 → 50 GiB\n"


def test_a_plan_without_a_change_hands_nothing_on(runner: Runner) -> None:
    runner.answers = planned(0, "null")
    assert runner.run("plan", ACKNOWLEDGE="").returncode == 0
    assert runner.text("output") == "DIGEST=\n"


def test_a_plan_that_nobody_acknowledged_goes_no_further(runner: Runner) -> None:
    runner.answers = planned(2, "null")
    answer = runner.run("plan", ACKNOWLEDGE="")
    assert (answer.returncode, runner.text("output")) == (2, "")
    assert "the review asks for an acknowledgement, and nothing is applied" in answer.stderr
    assert runner.text("summary") == "storage 20 → 50 GiB\n"


def test_names_that_were_acknowledged_are_handed_to_the_review(runner: Runner) -> None:
    acknowledged = "review ledger-prod --acknowledge postgres --acknowledge a;b"
    runner.answers = {f"{acknowledged} --save --format json": (0, f'{{"digest": "{DIGEST}"}}')}
    assert runner.run("plan", ACKNOWLEDGE="postgres  a;b").returncode == 0
    assert runner.text("heard").splitlines() == [
        f"{acknowledged} --save --format json",
        f"{acknowledged} --format markdown",
    ]


def test_a_plan_that_failed_hands_nothing_on(runner: Runner) -> None:
    runner.answers = {"review": (1, "")}
    assert (runner.run("plan", ACKNOWLEDGE="").returncode, runner.text("output")) == (1, "")


def test_exactly_what_was_reviewed_is_applied(runner: Runner) -> None:
    assert runner.run("apply", DIGEST=DIGEST).returncode == 0
    assert runner.text("heard") == f"apply ledger-prod --reviewed {DIGEST}\n"


def test_where_nothing_changes_nothing_is_applied(runner: Runner) -> None:
    answer = runner.run("apply", DIGEST="")
    assert (answer.returncode, answer.stdout, runner.text("heard")) == (
        0,
        "ledger-prod: nothing changes\n",
        "",
    )


@pytest.mark.parametrize("code", [0, 2])
def test_drift_is_kept_for_the_issue(runner: Runner, code: int) -> None:
    runner.answers = {"review ledger-prod --format markdown": (code, "replicas 2 → 3\n")}
    assert runner.run("drift").returncode == 0
    assert runner.text("found/ledger-prod.md") == "replicas 2 → 3\n"


def test_a_look_for_drift_that_failed_is_no_drift(runner: Runner) -> None:
    runner.answers = {"review": (1, "")}
    assert runner.run("drift").returncode == 1


def test_sound_backups_say_nothing(runner: Runner) -> None:
    runner.answers = {"backup status": (0, "all is well"), "backup verify": (0, "is as its manifest says")}
    answer = runner.run("backups")
    assert (answer.returncode, runner.text("found/ledger-prod.md")) == (0, "")
    assert "all is well" in answer.stdout
    assert runner.text("heard") == "backup status ledger-prod\nbackup verify ledger-prod\n"


def test_a_backup_that_is_wrong_is_told_with_what_was_said_and_fails_the_job(runner: Runner) -> None:
    runner.answers = {"backup status": (1, "no drill for 3 days"), "backup verify": (0, "fine")}
    assert runner.run("backups").returncode == 1
    assert runner.text("found/ledger-prod.md") == (
        "slipway backup status ledger-prod ended with 1:\n\n    no drill for 3 days\n"
    )


RELEASED = [
    ({"ACTION": "release", "IMAGE": IMAGE, "TO": ""}, f"release ledger-prod --image {IMAGE}\n"),
    ({"ACTION": "rollback", "IMAGE": "", "TO": ""}, "rollback ledger-prod\n"),
    ({"ACTION": "rollback", "IMAGE": "", "TO": "12"}, "rollback ledger-prod --to 12\n"),
]


@pytest.mark.parametrize(("given", "heard"), RELEASED)
def test_a_release_and_a_rollback_are_what_was_asked_for(
    runner: Runner, given: dict[str, str], heard: str
) -> None:
    assert runner.run("release", **given).returncode == 0
    assert runner.text("heard") == heard


REFUSED = [
    ({"ACTION": "release", "IMAGE": "ghcr.io/team/ledger:latest", "TO": ""}, "names no digest"),
    ({"ACTION": "release", "IMAGE": "", "TO": ""}, "names no digest"),
    ({"ACTION": "release", "IMAGE": f"$(touch x){IMAGE}", "TO": ""}, "names no digest"),
    ({"ACTION": "rollback", "IMAGE": "", "TO": "--help"}, "is no number"),
    ({"ACTION": "rollback", "IMAGE": "", "TO": "1; touch x"}, "is no number"),
    ({"ACTION": "remove", "IMAGE": "", "TO": ""}, "is neither release nor rollback"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_what_no_release_can_be_is_refused_and_runs_nothing(
    runner: Runner, given: dict[str, str], said: str
) -> None:
    answer = runner.run("release", **given)
    assert (answer.returncode, runner.text("heard")) == (1, "")
    assert said in answer.stderr
    assert not (runner.folder / "x").exists()


def test_an_image_is_named_by_what_the_registry_said(runner: Runner) -> None:
    digest = IMAGE.partition("@")[2]
    assert runner.run("image", REPOSITORY="ghcr.io/team/ledger", DIGEST=digest).returncode == 0
    assert runner.text("output") == f"image={IMAGE}\n"
    assert IMAGE in runner.text("summary")


def test_an_image_without_a_digest_is_none(runner: Runner) -> None:
    answer = runner.run("image", REPOSITORY="ghcr.io/team/ledger", DIGEST="")
    assert (answer.returncode, runner.text("output")) == (1, "")


def test_gitlab_names_the_image_by_what_buildx_wrote(runner: Runner) -> None:
    runner.program = "docker"
    digest = IMAGE.partition("@")[2]
    (runner.folder / "build.json").write_text(f'{{\n  "containerimage.digest": "{digest}",\n  "x": 1\n}}\n')
    given = {"REPOSITORY": "ghcr.io/team/ledger", "CI_COMMIT_SHA": "c0ffee", "DOCKERFILE": "app/Dockerfile"}
    assert runner.run("gitlab-publish", **given).returncode == 0
    assert runner.text("image.env") == f"IMAGE={IMAGE}\n"
    assert "--tag ghcr.io/team/ledger:c0ffee --metadata-file build.json ." in runner.text("heard")


def test_a_password_is_on_no_command_line(runner: Runner) -> None:
    runner.program = "docker"
    given = {"HOST": "ghcr.io", "GITHUB_ACTOR": "me", "TOKEN": "hunter2-of-the-job"}
    assert runner.run("login-ghcr", **given).returncode == 0
    assert runner.text("heard") == "login ghcr.io --username me --password-stdin\n"


def test_the_clouds_token_is_readable_for_nobody_else(runner: Runner) -> None:
    file = runner.folder / ".cloud-token"
    given = {"CLOUD_TOKEN": "ey.of.the.job", "AWS_WEB_IDENTITY_TOKEN_FILE": str(file)}
    assert runner.run("gitlab-token", **given).returncode == 0
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("ey.of.the.job", 0o600)


def test_each_stack_has_an_issue_of_its_own(runner: Runner) -> None:
    (runner.folder / "infra").symlink_to(ROOT / "infra")
    (runner.folder / "found").mkdir()
    for name, text in (("ledger-prod", "replicas 2 → 3"), ("ledger-staging", "")):
        (runner.folder / "found" / f"{name}.md").write_text(text, encoding="utf-8")
    kept = forges.github()
    with forges.serving(kept) as url:
        job = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": url,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "team/ledger",
            "GITHUB_RUN_ID": "5",
            "GITHUB_TOKEN": kept.token,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        answer = runner.run("issues", ABOUT="drift", TITLE="Drift of", **job)
    assert answer.returncode == 0, answer.stderr
    assert [issue["title"] for issue in kept.issues] == ["Drift of ledger-prod"]
    assert answer.stdout.splitlines() == [
        "drift:ledger-prod: an issue was opened",
        "drift:ledger-staging: all is well",
    ]


def test_gitlab_comments_with_the_bases_code_and_keeps_what_was_found(runner: Runner) -> None:
    def git(folder: Path, *arguments: str) -> str:
        identity = ("-c", "user.email=test@example.com", "-c", "user.name=test")
        command = ["git", "-C", str(folder), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    origin = runner.folder / "origin"
    (origin / "infra").mkdir(parents=True)
    (origin / "infra" / "forge.py").write_text("the branch's\n")
    git(origin, "init", "--quiet", "--initial-branch=main")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(origin, "add", ".")
    git(origin, "commit", "--quiet", "--message", "base")
    base = git(origin, "rev-parse", "HEAD")
    (origin / "infra" / "forge.py").write_text("the merge request's\n")
    git(origin, "commit", "--quiet", "--all", "--message", "change")
    work = runner.folder / "work"
    git(runner.folder, "clone", "--quiet", "--depth", "1", origin.as_uri(), str(work))
    (work / "review").mkdir()
    (work / "review" / "ledger-prod.md").write_text("found\n")
    shutil.copytree(work, runner.folder / "job")
    job = Runner(runner.folder / "job")
    assert job.run("gitlab-base", CI_MERGE_REQUEST_DIFF_BASE_SHA=base).returncode == 0
    assert (job.text("infra/forge.py"), job.text("review/ledger-prod.md")) == ("the branch's\n", "found\n")


@pytest.mark.parametrize(
    ("named", "written"), [("", ""), ("~/.kube/ledger", "KUBECONFIG=/home/me/.kube/ledger\n")]
)
def test_the_context_goes_to_the_file_that_the_stack_names(runner: Runner, named: str, written: str) -> None:
    runner.program = "aws"
    where = {"REGION": "eu-central-1", "CLUSTER": "ledger", "CONTEXT": "ledger-prod", "HOME": "/home/me"}
    given = {**where, "KUBECONFIG_FILE": named, "GITHUB_ENV": str(runner.folder / "env")}
    assert runner.run("kubeconfig-eks", **given).returncode == 0
    assert (
        runner.text("heard")
        == "eks update-kubeconfig --region eu-central-1 --name ledger --alias ledger-prod\n"
    )
    assert runner.text("env") == written
