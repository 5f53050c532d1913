"""`slipway restore --from` that cannot be: every reason is told before anything starts, with its remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import stack as stacks
from infra.errors import EXIT_USAGE, UserError
from infra.settings.model import Settings
from tests.infra.cli.restoring.lending import POD, SOURCE, TARGET, from_prod, problem, slipway
from tests.infra.cli.test_backup import said
from tests.infra.mocks import settings

pytestmark = pytest.mark.unit


def test_a_bucket_that_pods_reach_by_a_role_has_no_key_to_lend(
    cluster: Callable[..., Path], stacks_of: dict[str, Settings]
) -> None:
    pod: dict[str, Any] = json.loads(json.dumps(POD))
    pod["containers"][0]["envFrom"].pop()
    cluster(pod=pod)
    store = {"kind": "aws", "region": "ap-northeast-2"}
    stacks_of[SOURCE] = settings(SOURCE, backups={"enabled": True, "bucket": "b-1", "store": store})
    assert problem(from_prod("--yes")) == (
        f"--from {SOURCE}: its pods ask AWS by a role of theirs, so there is no key that could be lent\n"
        f"  → restore it in that stack: slipway restore {SOURCE} --into NAME"
    )


def test_the_stack_itself_is_no_other_stack(cluster: Callable[..., Path]) -> None:
    cluster()
    answer = slipway("--from", TARGET, "--yes")
    assert problem(answer) == (
        f"--from: {TARGET} is the stack itself\n  → leave --from out, or name another stack"
    )
    assert isinstance(answer.exception, UserError)
    assert answer.exception.exit_code == EXIT_USAGE


def test_a_stack_without_backups_has_none_to_give(
    cluster: Callable[..., Path], stacks_of: dict[str, Settings]
) -> None:
    cluster()
    stacks_of[SOURCE] = settings(SOURCE, backups={"enabled": False})
    assert problem(from_prod("--yes")) == (
        f"--from {SOURCE}: makes no backups: slipway:backups.enabled is false\n"
        "  → name a stack that makes some"
    )


def test_a_store_inside_another_cluster_cannot_be_reached(
    cluster: Callable[..., Path], stacks_of: dict[str, Settings]
) -> None:
    cluster()
    stacks_of[SOURCE] = settings(SOURCE, backups={"enabled": True, "bucket": "b-1"}, cluster={"context": "x"})
    assert problem(from_prod("--yes")) == (
        f"--from {SOURCE}: its store is in its own cluster, which the pods of {TARGET} cannot reach\n"
        "  → only a store outside the cluster serves both: slipway:backups.store of kind s3 or aws"
    )


def test_a_store_that_does_not_answer_is_told_as_that_of_the_other_stack(
    cluster: Callable[..., Path],
) -> None:
    what = "the store cannot be asked: Could not connect to the endpoint URL"
    cluster(said("problem", where="ledger-prod/", what=what, remedy="slipway status"), code=1)
    assert problem(from_prod("--yes")).endswith(
        f"\n  → let the pods of {TARGET} reach https://s3.example.com, the store of {SOURCE}; "
        "then run it again"
    )


def test_a_key_that_the_operator_may_not_read_is_told_before_anything_starts(
    cluster: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cluster()

    def refused(_stack: str, _name: str) -> str:
        raise UserError.of("pulumi config", "incorrect passphrase\nmore", "mend it")

    monkeypatch.setattr(stacks, "secret", refused)
    assert problem(from_prod("--yes")) == (
        f"--from {SOURCE}: its secret backupKey is not available here: incorrect passphrase\n"
        f"  → get access to the secrets of {SOURCE}, then try it: slipway secrets list {SOURCE}"
    )
    assert not (folder / "calls").exists()


def test_undo_has_nothing_to_do_with_another_stack(cluster: Callable[..., Path]) -> None:
    cluster()
    assert problem(from_prod("--undo")).startswith("--undo: stands with --from")
