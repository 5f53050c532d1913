"""What a release wrote into the stack file goes to the branch: record.sh, and a server that wants a token."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pipelines import hosting
from tests.pipelines.hosting import git
from tests.pipelines.runner import Runner

pytestmark = pytest.mark.unit
FILE = "stacks/Pulumi.ledger-prod.yaml"
USER, TOKEN = "x-access-token", "hunter2-of-the-job"
BEFORE = "config:\n  slipway:service:\n    replicas: 2\n  slipway:a: 1\n  slipway:b: 2\n  slipway:c: 3\n"
RELEASED = f"{BEFORE}  slipway:released:\n    number: 7\n"
BY_HAND = f"copy slipway:released from the artifact's Pulumi.ledger-prod.yaml into {FILE}, and commit that\n"


@dataclass
class Origin:
    """The repository, a colleague's clone of it, and the job's checkout; ``url``: where it is served."""

    folder: Path
    url: str

    @property
    def bare(self) -> Path:
        return self.folder / "served" / "team" / "ledger.git"

    @property
    def job(self) -> Path:
        return self.folder / "job"

    def commit(self, name: str, text: str) -> None:
        """A colleague's commit on the branch."""
        theirs = self.folder / "theirs"
        (theirs / name).write_text(text)
        git(theirs, "add", "--all")
        git(theirs, "commit", "--quiet", "--message", f"Change {name}")
        git(theirs, "push", "--quiet", "origin", "HEAD:main")

    def keep(self, text: str) -> None:
        """What the release's job has left, from the branch as it is now."""
        stack = self.job / FILE
        git(self.job, "pull", "--quiet", str(self.bare), "main")
        stack.write_text(text)
        assert Runner(self.job).run("keep").returncode == 0
        git(self.job, "checkout", "--quiet", "--", FILE)

    def hook(self, name: str, script: str) -> None:
        path = self.bare / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def record(self, **more: str) -> subprocess.CompletedProcess[str]:
        given = {
            "BRANCH": "main",
            "REMOTE": f"{self.url}/team/ledger.git",
            "PUSHER": USER,
            "TOKEN": TOKEN,
            "BOT": "the-bot",
            "EMAIL": "bot@example.com",
        }
        return Runner(self.job).run("record", **given, **more)

    def text(self, name: str = FILE) -> str:
        return git(self.bare, "show", f"main:{name}") + "\n"

    @property
    def subjects(self) -> list[str]:
        return git(self.bare, "log", "--format=%an: %s", "main").splitlines()


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    with hosting.serving(tmp_path / "served", USER, TOKEN) as url:
        made = Origin(tmp_path, url)
        made.bare.parent.mkdir(parents=True)
        git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(made.bare))
        git(made.bare, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(tmp_path, "init", "--quiet", "--initial-branch=main", str(tmp_path / "theirs"))
        git(tmp_path / "theirs", "remote", "add", "origin", str(made.bare))
        (tmp_path / "theirs" / "stacks").mkdir()
        made.commit("README", "a ledger\n")
        made.commit(FILE, BEFORE)
        git(tmp_path, "clone", "--quiet", "--depth", "1", made.bare.as_uri(), str(made.job))
        yield made


def test_a_release_becomes_one_commit_of_its_stack_file_alone(origin: Origin) -> None:
    origin.keep(RELEASED)
    answer = origin.record()
    assert answer.returncode == 0, answer.stderr
    assert origin.text() == RELEASED
    assert origin.subjects[0] == "the-bot: Record release: ledger-prod"
    assert len(origin.subjects) == 3
    assert git(origin.bare, "show", "--format=%ce", "--name-only", "main").split() == [
        "bot@example.com",
        FILE,
    ]
    assert answer.stdout == f"{FILE}: recorded on main by {git(origin.bare, 'rev-parse', 'main')}\n"


def test_a_file_that_did_not_change_makes_no_commit(origin: Origin) -> None:
    origin.keep(BEFORE)
    answer = origin.record()
    assert (answer.returncode, answer.stdout) == (0, f"{FILE}: as it was, nothing to record\n")
    assert len(origin.subjects) == 2


def test_what_others_changed_meanwhile_stays_also_in_the_same_file(origin: Origin) -> None:
    origin.keep(RELEASED)
    origin.commit("README", "a better ledger\n")
    origin.commit(FILE, BEFORE.replace("replicas: 2", "replicas: 3"))
    assert origin.record().returncode == 0
    assert origin.text() == RELEASED.replace("replicas: 2", "replicas: 3")
    assert origin.text("README") == "a better ledger\n"
    assert origin.subjects[:3] == [
        "the-bot: Record release: ledger-prod",
        f"test: Change {FILE}",
        "test: Change README",
    ]


def test_a_branch_that_moves_on_under_the_push_is_tried_again(origin: Origin) -> None:
    origin.keep(RELEASED)
    (origin.folder / "theirs" / "README").write_text("just now\n")
    git(origin.folder / "theirs", "commit", "--quiet", "--all", "--message", "Just now")
    push = f"git -C {origin.folder}/theirs push --quiet {origin.bare} HEAD:main"
    unset = "unset GIT_DIR GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES"
    first = f"[ ! -e {origin.folder}/pushed ] || exit 0; touch {origin.folder}/pushed"
    origin.hook("pre-receive", f"{first}\n{unset}\n{push}\n")
    answer = origin.record()
    assert answer.returncode == 0, answer.stderr
    assert (origin.text(), origin.text("README")) == (RELEASED, "just now\n")
    assert origin.subjects[:2] == ["the-bot: Record release: ledger-prod", "test: Just now"]


def test_a_branch_that_never_stands_still_is_given_up_after_five_tries(origin: Origin) -> None:
    origin.keep(RELEASED)
    unset = "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES"
    move = f"git {' '.join(hosting.IDENTITY)} commit-tree -p main -m Busy 'main^{{tree}}'"
    origin.hook("pre-receive", f"{unset}\ngit update-ref refs/heads/main $({move})\n")
    answer = origin.record()
    assert answer.returncode == 1
    assert (
        f"{FILE}: main moved on five times meanwhile\n  → run this job again; or {BY_HAND}" in answer.stderr
    )
    assert origin.subjects[:6] == ["test: Busy"] * 5 + [f"test: Change {FILE}"]


def test_a_branch_that_refuses_the_push_is_told_of_with_the_remedy(origin: Origin) -> None:
    origin.keep(RELEASED)
    origin.hook("pre-receive", "echo 'GH006: Protected branch update failed' >&2; exit 1")
    answer = origin.record()
    assert answer.returncode == 1
    assert "GH006: Protected branch update failed" in answer.stderr
    remedy = f"  → let this job push to it (docs/pipelines.md), and run it again; or {BY_HAND}"
    assert answer.stderr.endswith(f"{FILE}: main refuses the push\n{remedy}")
    assert (origin.text(), len(origin.subjects)) == (BEFORE, 2)
    assert (origin.job / "released" / Path(FILE).name).read_text() == RELEASED


def test_the_same_lines_of_two_hands_are_left_to_people(origin: Origin) -> None:
    origin.keep(RELEASED)
    theirs = RELEASED.replace("number: 7", "number: 8")
    origin.commit(FILE, theirs)
    answer = origin.record()
    assert answer.returncode == 1
    assert answer.stderr.endswith(f"{FILE}: main has changed the same lines meanwhile\n  → {BY_HAND}")
    assert origin.text() == theirs


def test_what_was_committed_by_hand_meanwhile_is_not_committed_again(origin: Origin) -> None:
    origin.keep(RELEASED)
    origin.commit(FILE, RELEASED)
    answer = origin.record()
    assert (answer.returncode, answer.stdout) == (0, f"{FILE}: main says so already\n")
    assert len(origin.subjects) == 3


def test_a_release_that_kept_nothing_is_no_release_that_changed_nothing(origin: Origin) -> None:
    answer = origin.record()
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        f"{FILE}: the release's job kept nothing: it did not begin, or was killed\n"
        "  → see slipway releases ledger-prod; where slipway:released says otherwise, "
        "write it there and commit\n"
    )


def test_without_the_right_nothing_is_read_and_nothing_waits_for_a_password(origin: Origin) -> None:
    origin.keep(RELEASED)
    (origin.job / "released" / "commit").write_text("0" * 40)
    answer = origin.record()
    assert answer.returncode == 1
    assert f"{FILE}: {origin.url}/team/ledger.git gives no {'0' * 40}\n" in answer.stderr
    with hosting.serving(origin.folder / "served", USER, "another") as url:
        answer = Origin(origin.folder, url).record()
    assert answer.returncode == 1
    assert "terminal prompts disabled" in answer.stderr


@pytest.mark.parametrize("refused", [False, True])
def test_the_token_is_in_no_output_on_no_command_line_and_in_no_file(origin: Origin, refused: bool) -> None:
    origin.keep(RELEASED)
    if refused:
        origin.hook("pre-receive", "exit 1")
    answer = origin.record(GIT_TRACE="1", GIT_TRACE_CURL="1")
    assert answer.returncode == int(refused)
    assert "built-in: git push" in answer.stderr
    assert "Authorization: Basic <redacted>" in answer.stderr
    for secret in (TOKEN, base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()):
        assert secret not in answer.stdout + answer.stderr
        kept = [path for path in origin.job.rglob("*") if path.is_file()]
        assert [path for path in kept if secret.encode() in path.read_bytes()] == []


def test_gitlabs_release_begins_on_the_branch_as_it_is_then(origin: Origin) -> None:
    origin.commit(FILE, RELEASED)
    assert (origin.job / FILE).read_text() == BEFORE
    assert Runner(origin.job).run("gitlab-branch", CI_COMMIT_BRANCH="main").returncode == 0
    assert (origin.job / FILE).read_text() == RELEASED
