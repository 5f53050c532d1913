"""`python3 -m infra.forge` against servers that speak GitHub's and GitLab's API: one comment, one issue."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.paths import ROOT
from tests.pipelines import forges
from tests.pipelines.forges import Kept

pytestmark = pytest.mark.unit
MARK = "<!-- slipway:review -->\n"
Say = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Forge:
    """A server, and the words of its API."""

    kept: Kept
    environment: dict[str, str]
    text: str  # the field of an issue's text
    closed: str
    person: dict[str, object]


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    if request.param == "github":
        kept = forges.github()
        with forges.serving(kept) as url:
            environment = {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": url,
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": "team/ledger",
                "GITHUB_RUN_ID": "5",
                "GITHUB_TOKEN": kept.token,
                "PULL_REQUEST": "7",
            }
            yield Forge(kept, environment, "body", "closed", {"user": {"login": "mallory"}})
        return
    kept = forges.gitlab()
    with forges.serving(kept, gitlab=True) as url:
        environment = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": url,
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_PIPELINE_URL": "https://gitlab.example/team/ledger/-/pipelines/5",
            "SLIPWAY_TOKEN": kept.token,
        }
        yield Forge(kept, environment, "description", "closed", {"author": {"id": 1}, "system": False})


def run(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """On the interpreter alone, as in the job: no package is there."""
    command = [sys.executable, "-S", "-m", "infra.forge", *arguments]
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        command, cwd=ROOT, env={**path, **environment}, capture_output=True, text=True, check=False
    )


def parts(folder: Path, **texts: str) -> list[Path]:
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return [folder / f"{name}.md" for name in texts]


def test_a_review_becomes_one_comment_that_changes_and_goes(tmp_path: Path, forge: Forge) -> None:
    def comment(**texts: str) -> str:
        answer = run(forge.environment, "comment", "review", *parts(tmp_path, **texts))
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    assert comment(staging="", prod="database: storage 20 → 50 GiB") == "review: commented"
    assert [note["body"] for note in forge.kept.notes] == [f"{MARK}database: storage 20 → 50 GiB"]
    assert comment(prod="database: storage 20 → 50 GiB") == "review: the comment says so already"
    assert comment(staging="two", prod="one") == "review: the comment was changed"
    assert [note["body"] for note in forge.kept.notes] == [f"{MARK}two\n\n---\n\none"]
    assert comment(staging="\n", prod="") == "review: nothing changes: the comment was taken away"
    assert forge.kept.notes == []
    written = len(forge.kept.writes)
    assert comment(prod="") == "review: nothing changes, nothing is said"
    assert len(forge.kept.writes) == written == 3


def test_somebody_elses_comment_with_the_mark_is_left_alone(tmp_path: Path, forge: Forge) -> None:
    forge.kept.notes.append({"id": 5000, "body": f"{MARK}look, it is harmless", **forge.person})
    run(forge.environment, "comment", "review", *parts(tmp_path, prod="replaces the database"))
    assert [note["body"] for note in forge.kept.notes] == [
        f"{MARK}look, it is harmless",
        f"{MARK}replaces the database",
    ]
    run(forge.environment, "comment", "review", *parts(tmp_path, prod=""))
    assert [note["id"] for note in forge.kept.notes] == [5000]


def test_a_comment_on_a_later_page_is_found_and_a_second_one_removed(tmp_path: Path, forge: Forge) -> None:
    forge.kept.notes += [{"id": n, "body": f"word {n}", **forge.person} for n in range(2000, 2230)]
    run(forge.environment, "comment", "review", *parts(tmp_path, prod="first"))
    twin = {**forge.kept.notes[-1], "id": 3000}
    forge.kept.notes.append(twin)
    run(forge.environment, "comment", "review", *parts(tmp_path, prod="second"))
    assert [note["body"] for note in forge.kept.notes if MARK in note["body"]] == [f"{MARK}second"]


def test_a_comment_fits_and_what_is_short_stays_whole(tmp_path: Path, forge: Forge) -> None:
    long = "\n".join(f"line {number}" for number in range(200_000))
    answer = run(forge.environment, "comment", "review", *parts(tmp_path, prod=long, staging="short"))
    assert answer.returncode == 0, answer.stderr
    (note,) = forge.kept.notes
    most = 65_536 if "GITHUB_ACTIONS" in forge.environment else 1_000_000
    assert most - 200 < len(note["body"]) <= most
    assert note["body"].startswith(f"{MARK}line 0\nline 1\n")
    assert note["body"].endswith("\n\n---\n\nshort")
    assert "… cut here; the whole is in the artifacts of [this run](https://git" in note["body"]


def test_drift_is_one_issue_that_changes_and_is_closed(tmp_path: Path, forge: Forge) -> None:
    def issue(text: str) -> str:
        (found,) = parts(tmp_path, prod=text)
        answer = run(forge.environment, "issue", "drift:prod", "Drift of prod", found)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    assert issue("") == "drift:prod: all is well"
    assert forge.kept.writes == []
    assert issue("replicas 2 → 3") == "drift:prod: an issue was opened"
    assert issue("replicas 2 → 3") == "drift:prod: the issue says so already"
    assert issue("replicas 2 → 4") == "drift:prod: the issue was changed"
    (kept,) = forge.kept.issues
    assert kept["title"] == "Drift of prod"
    assert kept[forge.text] == "<!-- slipway:drift:prod -->\nreplicas 2 → 4"
    assert issue("") == "drift:prod: all is well: the issue was closed"
    assert kept["state"] == forge.closed
    assert "All is well again" in forge.kept.notes[-1]["body"]


def test_issues_of_two_stacks_do_not_meet(tmp_path: Path, forge: Forge) -> None:
    for name in ("prod", "prod-two"):
        (found,) = parts(tmp_path, x="changed")
        run(forge.environment, "issue", f"drift:{name}", f"Drift of {name}", found)
    assert [issue["title"] for issue in forge.kept.issues] == ["Drift of prod", "Drift of prod-two"]


def test_a_busy_server_is_asked_again(tmp_path: Path, forge: Forge) -> None:
    forge.kept.faults += [(503, "1"), (429, "1")]
    answer = run(forge.environment, "comment", "review", *parts(tmp_path, prod="one"))
    assert (answer.returncode, len(forge.kept.notes)) == (0, 1), answer.stderr


def test_a_comment_that_may_have_been_made_is_not_made_twice(tmp_path: Path, forge: Forge) -> None:
    forge.kept.failing = "POST"
    answer = run(forge.environment, "comment", "review", *parts(tmp_path, prod="one"))
    assert answer.returncode == 1
    assert len([1 for method, _ in forge.kept.heard if method == "POST"]) == 1
    assert "refused with 502: not now" in answer.stderr


def test_a_refused_token_is_told_with_what_to_give(tmp_path: Path, forge: Forge) -> None:
    token = "GITHUB_TOKEN" if "GITHUB_TOKEN" in forge.environment else "SLIPWAY_TOKEN"
    answer = run({**forge.environment, token: "hunter2"}, "comment", "review", *parts(tmp_path, prod="x"))
    assert answer.returncode == 1
    assert "refused with 401: Bad credentials\n  → " in answer.stderr
    assert "hunter2" not in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_server_that_is_away_is_told(tmp_path: Path, forge: Forge) -> None:
    base = "GITHUB_API_URL" if "GITHUB_API_URL" in forge.environment else "CI_API_V4_URL"
    away = {**forge.environment, base: "http://127.0.0.1:1"}
    answer = run(away, "comment", "review", *parts(tmp_path, prod="x"))
    assert answer.returncode == 1
    assert answer.stderr.startswith("http://127.0.0.1:1: does not answer: ")


def test_a_variable_that_is_missing_is_named(tmp_path: Path, forge: Forge) -> None:
    token = "GITHUB_TOKEN" if "GITHUB_TOKEN" in forge.environment else "SLIPWAY_TOKEN"
    less = {name: value for name, value in forge.environment.items() if name != token}
    answer = run(less, "comment", "review", *parts(tmp_path, prod="x"))
    assert (answer.returncode, answer.stderr.partition(":")[0]) == (2, token)


def test_outside_a_pipeline_nothing_is_written(tmp_path: Path) -> None:
    answer = run({}, "comment", "review", *parts(tmp_path, prod="x"))
    assert (answer.returncode, answer.stderr) == (
        2,
        "infra.forge: this is no job of GitHub Actions or GitLab CI\n  → run it in a pipeline\n",
    )


def test_a_file_that_the_job_did_not_make_is_named(tmp_path: Path, forge: Forge) -> None:
    answer = run(forge.environment, "comment", "review", tmp_path / "none.md")
    assert answer.returncode == 2
    assert f"{tmp_path / 'none.md'}: cannot be read: No such file or directory" in answer.stderr
