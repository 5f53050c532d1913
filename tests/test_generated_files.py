"""Generated and golden files are what the code generates: nobody edits them by hand."""

from __future__ import annotations

from app import document
from app.core import openapi_page
from infra.paths import ROOT
from infra.policy import page as policy_page
from infra.render import generate


def test_generating_again_changes_no_committed_file() -> None:
    wanted = generate.outputs()
    differing = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    assert differing == [], "run: make generate"


def test_no_golden_file_is_left_that_nothing_generates() -> None:
    stale = {path for path in generate.GOLDEN.rglob("*") if path.is_file()} - set(generate.outputs())
    assert stale == set()


def test_the_page_of_the_services_contract_is_the_document() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert page == openapi_page.render(document.document()), "run: make generate"


def test_the_page_of_policy_is_made_of_its_rules() -> None:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    assert page == policy_page.text(), "run: make generate"
