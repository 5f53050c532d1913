"""`slipway review` and `slipway apply`, from the outside, with a stand-in for the Pulumi CLI."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra import paths, stack
from infra.cli import lifecycle
from infra.errors import UserError
from infra.settings import layers
from tests.infra.layered import slipway
from tests.infra.review.previews import object_of, step, text, workload
from tests.infra.stack.conftest import TEAM, calls, seen

pytestmark = pytest.mark.unit
__all__ = ["calls"]
STACK = "ledger-prod"
DEPLOYMENT, SET = "kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"
IMAGE = step(
    "update", DEPLOYMENT, "service-deployment", workload(), workload(image="registry.example/service:2")
)
GONE = step("delete", SET, "postgres-set", object_of("StatefulSet", "postgres"), part="Postgres")
REST = {"same": 99}  # what is not shown stays as it is
OWN = """\
encryptionsalt: v1:x:v1:x:x
config:
  slipway:cluster: {context: prod}
  slipway:images: {service: registry.example/team/service:1.4.2, backups: registry.example/team/backups:1.4.2}
  slipway:backups: {enabled: true, bucket: ledger-backups, store: {kind: s3, endpoint: "https://s3.example.com"}}
  slipway:network: {callers: [shop-prod]}
  slipway:secrets:
    backupKey: {secure: "v1:x"}
    backupAccessKeyId: {secure: "v1:x"}
    backupSecretAccessKey: {secure: "v1:x"}
    postgresOwnerPassword: {secure: "v1:x"}
    postgresServicePassword: {secure: "v1:x"}
    redisPassword: {secure: "v1:x"}
    secretKey: {secure: "v1:x"}
"""


@pytest.fixture
def stacks(calls: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stack ledger-prod, which is on another cluster than the sandbox's."""
    layers.stack_file(STACK).write_text(OWN)
    paths.state_dir().mkdir(parents=True)
    (paths.state_dir() / "passphrase").write_text("x")
    monkeypatch.setattr(lifecycle, "show", lambda name: print(f"shown: {name}"))
    return layers.stack_file(STACK).parent


def previews(monkeypatch: pytest.MonkeyPatch, *steps: dict[str, Any], **more: Any) -> None:
    """What `pulumi preview` writes from now on."""
    code = 1 if more.get("diagnostics") else 0
    shown = text(*steps, changeSummary=REST, **more)
    said = f"if args[0] == 'preview': print({shown!r}); sys.exit({code})"
    monkeypatch.setenv("FAKE_PULUMI", said)


def run(monkeypatch: pytest.MonkeyPatch, stacks: Path, *arguments: str, code: int = 0) -> str:
    result = slipway(monkeypatch, stacks, *arguments)
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def verbs(calls: Path) -> list[str]:
    return [call["args"][0] for call in seen(calls)]


def test_a_review_previews_with_the_same_look_as_up(
    calls: Path, stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    previews(monkeypatch, IMAGE)
    said = run(monkeypatch, stacks, "review", STACK)
    assert said.startswith("ledger-prod: 1 change, nothing to acknowledge\n")
    assert seen(calls)[-1]["args"][:5] == ["preview", "--stack", STACK, "--json", "--refresh"]
    assert "up" not in verbs(calls)


@pytest.mark.parametrize(
    ("steps", "more", "arguments", "code"),
    [
        ([], {}, [], 0),
        ([IMAGE], {}, [], 0),
        ([GONE], {}, [], 2),
        ([GONE], {}, ["--acknowledge", "postgres-set"], 0),
        ([GONE], {}, ["--acknowledge", "postgres"], 2),
        ([], {"diagnostics": [{"message": "error: boom", "severity": "error"}]}, [], 1),
    ],
)
def test_the_exit_code_says_whether_somebody_must_acknowledge(
    stacks: Path,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[dict[str, Any]],
    more: dict[str, Any],
    arguments: list[str],
    code: int,
) -> None:
    previews(monkeypatch, *steps, **more)
    for form in ("text", "markdown", "json"):
        run(monkeypatch, stacks, "review", STACK, "--format", form, *arguments, code=code)


def test_nothing_is_written_for_a_comment_where_nothing_changes(
    stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    previews(monkeypatch)
    assert run(monkeypatch, stacks, "review", STACK, "--format", "markdown") == ""
    assert run(monkeypatch, stacks, "review", STACK) == "ledger-prod: no changes\n"


def test_a_preview_that_was_made_elsewhere_is_read_from_a_file_or_standard_input(
    stacks: Path, tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "preview.json"
    file.write_text(text(IMAGE, changeSummary=REST))
    said = run(monkeypatch, stacks, "review", STACK, "--from", str(file))
    assert "image registry.example/service 1 → 2" in said
    piped = subprocess.run(
        [paths.ROOT / ".venv" / "bin" / "slipway", "review", STACK, "--from", "-"],
        input=file.read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert piped.stdout == said
    assert seen(calls) == [], "the engine is not asked"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xfe", "cannot be read: is not text in UTF-8"),
        (b"Previewing", "is not JSON"),
        (text(IMAGE).replace("ledger-prod", "other-prod").encode(), "is of the stack other-prod"),
    ],
)
def test_a_file_that_is_no_preview_of_the_stack_is_refused_in_words(
    stacks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, what: str
) -> None:
    file = tmp_path / "preview.json"
    if content is not None:
        file.write_bytes(content)
    result = slipway(monkeypatch, stacks, "review", STACK, "--from", str(file))
    assert isinstance(result.exception, UserError)
    assert what in str(result.exception)


def test_a_name_that_is_no_stacks_is_refused_before_the_engine_is_asked(
    stacks: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for verb in (["review", "Ledger"], ["apply", "Ledger", "--reviewed", "0" * 32]):
        result = slipway(monkeypatch, stacks, *verb)
        assert "the name is neither sandbox nor <team>-<env>" in str(result.exception)
    assert seen(calls) == []


def digest_of(said: str) -> str:
    found = re.search(r"--reviewed ([0-9a-f]{32})", said)
    assert found, said
    return found[1]


def test_what_was_reviewed_is_applied(calls: Path, stacks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    previews(monkeypatch, GONE)
    said = run(monkeypatch, stacks, "review", STACK, "--acknowledge", "postgres-set", "--save")
    calls.write_text("")
    assert "shown: ledger-prod" in run(monkeypatch, stacks, "apply", STACK, "--reviewed", digest_of(said))
    assert verbs(calls)[-2:] == ["preview", "up"]
    assert seen(calls)[-1]["args"][:4] == ["up", "--stack", STACK, "--refresh"]


def test_what_is_no_longer_what_was_reviewed_is_not_applied_and_the_difference_is_told(
    calls: Path, stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    previews(monkeypatch, IMAGE)
    reviewed = digest_of(run(monkeypatch, stacks, "review", STACK, "--save"))
    previews(monkeypatch, IMAGE, GONE)
    result = slipway(monkeypatch, stacks, "apply", STACK, "--reviewed", reviewed)
    assert "the plan has changed since it was reviewed; nothing was applied" in str(result.exception)
    assert "postgres-set: was not reviewed: database: StatefulSet postgres is removed" in str(
        result.exception
    )
    assert "slipway --stacks" in str(result.exception)
    assert "service-deployment" not in str(result.exception), "that is as it was reviewed"
    assert "up" not in verbs(calls)


def test_a_secret_that_was_set_anew_after_the_review_is_not_applied(
    calls: Path, stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    previews(monkeypatch, IMAGE)
    reviewed = digest_of(run(monkeypatch, stacks, "review", STACK, "--save"))
    layers.stack_file(STACK).write_text(
        OWN.replace('secretKey: {secure: "v1:x"}', 'secretKey: {secure: "v1:y"}')
    )
    result = slipway(monkeypatch, stacks, "apply", STACK, "--reviewed", reviewed)
    assert "slipway:secrets.secretKey: this secret of the stack file" in str(result.exception)
    assert "up" not in verbs(calls)


def test_a_preview_that_fails_before_it_is_applied_is_told_and_nothing_is_done(
    calls: Path, stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    previews(monkeypatch, diagnostics=[{"message": "error: no such image", "severity": "error"}])
    result = slipway(monkeypatch, stacks, "apply", STACK, "--reviewed", "0" * 32)
    assert "no such image" in str(result.exception)
    assert "up" not in verbs(calls)


def test_only_a_digest_is_taken(calls: Path, stacks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in ([], ["--reviewed", "latest"]):
        result = slipway(monkeypatch, stacks, "apply", STACK, *arguments)
        assert "is no digest of a plan" in str(result.exception)
    assert seen(calls) == []


@pytest.mark.parametrize(("steps", "code"), [([GONE], 2), ([], 0)])
def test_a_plan_that_cannot_be_applied_is_not_saved(
    stacks: Path, monkeypatch: pytest.MonkeyPatch, steps: list[dict[str, Any]], code: int
) -> None:
    previews(monkeypatch, *steps)
    result = slipway(monkeypatch, stacks, "review", STACK, "--save", "--format", "json")
    assert result.exit_code == code
    assert "nothing is saved" in result.stderr
    assert json.loads(result.stdout)["digest"] is None
    assert not (paths.state_dir() / "reviews").exists()


def test_an_engine_that_writes_no_json_is_told_in_its_words(
    stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PULUMI", "if args[0] == 'preview': sys.exit('error: incorrect passphrase')")
    result = slipway(monkeypatch, stacks, "review", STACK)
    assert "encrypted with another passphrase than the one at hand" in str(result.exception)


def test_a_stack_of_the_sandbox_gets_its_cluster_before_the_plan_is_compared(
    calls: Path, stacks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra import launch

    ready: list[str] = []
    monkeypatch.setattr(launch, "prepare_sandbox", lambda *_: ready.extend(verbs(calls)))
    layers.stack_file("ledger-dev").write_text(TEAM)
    dev = step("update", DEPLOYMENT, "d", workload(), workload(image="b"))
    document = text(dev, changeSummary=REST).replace(STACK, "ledger-dev")
    monkeypatch.setenv("FAKE_PULUMI", f"if args[0] == 'preview': print({document!r}); sys.exit(0)")
    reviewed = digest_of(run(monkeypatch, stacks, "review", "ledger-dev"))
    calls.write_text("")
    run(monkeypatch, stacks, "apply", "ledger-dev", "--reviewed", reviewed)
    assert ready == []
    assert verbs(calls)[-2:] == ["preview", "up"]
    assert stack.is_sandbox("ledger-dev")
