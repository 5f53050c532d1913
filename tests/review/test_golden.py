"""The committed reviews are what the committed previews give, byte by byte: previews of the real engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.paths import ROOT
from infra.review.form import Format
from infra.review.shown import LIMIT
from tests.review import generate
from tests.review.cases import CASES

pytestmark = pytest.mark.unit
HARMLESS = {
    "everything-new", "image", "image-from-elsewhere", "replicas", "secret-rotated", "configuration",
    "ingress-opened", "rights-opened", "network-opened", "bucket-new", "module-switched-on",
    "autoscaler-switched-on", "changed-by-hand", "hostile-values", "renamed", "unknown-values",
    "storage-grows-acknowledged", "nothing-changes",
}  # fmt: skip


@pytest.mark.parametrize("name", [*CASES, generate.MANY])
def test_a_review_is_the_committed_one(name: str) -> None:
    folder = generate.GOLDEN / name
    for form, text in generate.reviews(name):
        committed = (folder / generate.NAMES[form]).read_text(encoding="utf-8")
        assert text == committed, "run: python -m tests.review.generate"
        assert len(text) < LIMIT


def test_no_review_is_left_of_a_case_that_is_gone() -> None:
    assert {path.name for path in generate.GOLDEN.iterdir()} == {*CASES, generate.MANY}


@pytest.mark.parametrize("name", [*CASES, generate.MANY])
def test_the_first_line_is_the_verdict_and_the_exit_code_follows_from_it(name: str) -> None:
    written = {form: (generate.GOLDEN / name / file).read_text() for form, file in generate.NAMES.items()}
    told = json.loads(written[Format.JSON])
    assert written[Format.TEXT].splitlines()[0] == told["verdict"]
    wanted = 1 if name == "failed" else 0 if name in HARMLESS else 2
    assert told["exit_code"] == wanted


def test_there_is_nothing_to_post_where_nothing_changes() -> None:
    folder = generate.GOLDEN / "nothing-changes"
    assert (folder / "review.md").read_text() == ""
    assert (folder / "review.txt").read_text() == "ledger-prod: no changes\n"


def test_a_committed_preview_holds_nothing_of_the_machine_that_made_it() -> None:
    for name in CASES:
        text = generate.preview(name)
        assert generate.cleaned(text) == text
        for trace in (str(ROOT), str(Path.home()), "stackTrace", "canary-"):
            assert trace not in text, name
