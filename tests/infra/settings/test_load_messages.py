"""What `pulumi up` and `pulumi preview` show of the check: the same text, and notes as warnings."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from infra.settings import check, load
from infra.settings.flaw import RefusedError
from tests.infra.settings.broken_files import SECRETS, SOUND, STACK, filled

pytestmark = pytest.mark.unit


class _StopError(Exception):
    """Stands for what load does after the check."""


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLIPWAY_STACKS", str(tmp_path))
    monkeypatch.setattr(pulumi, "get_stack", lambda: STACK)
    return tmp_path / f"Pulumi.{STACK}.yaml"


def test_problems_are_shown_word_for_word_and_without_a_stack_trace(stack_file: Path) -> None:
    stack_file.write_text(SOUND + "  slipway:service: {replicsa: 3, replicas: 0}\n" + SECRETS)
    with pytest.raises(pulumi.RunError) as caught:  # the engine prints a RunError's text and nothing else
        load.load()
    report = check.examine(STACK)
    assert len(report.errors) == 2
    assert str(caught.value) == f"the stack's configuration cannot be used\n{RefusedError(report.errors)}"


def test_notes_become_warnings_of_the_engine(stack_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack_file.write_text(filled("<sound>\n  slipway:backups: {enabled: true, bucket: ledger}\n<secrets>\n"))
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)

    def stop(*_: object) -> None:
        raise _StopError

    monkeypatch.setattr(load, "_same_as_checked", stop)
    with pytest.raises(_StopError):
        load.load()
    assert said == [str(note) for note in check.examine(STACK).notes]
    assert (
        "slipway:backups.enabled: backups.store.kind cluster: who loses this cluster loses the backups"
        in said[0]
    )
