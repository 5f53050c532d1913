"""Pulumi.yaml declares every section within Pulumi's own rules (sdk/go/common/workspace/project.go)."""

from __future__ import annotations

import pytest
import yaml

from infra.names import PROJECT
from infra.render import project
from infra.settings.model import SECTIONS
from infra.settings.sections import BESIDE

pytestmark = pytest.mark.unit
DECLARED = yaml.safe_load(project.FILE.read_text(encoding="utf-8"))["config"]
KINDS = {"object": dict, "array": list}


def test_every_section_is_declared_and_nothing_else() -> None:
    assert set(DECLARED) == {f"{PROJECT}:{name}" for name in (*SECTIONS, *BESIDE)}


@pytest.mark.parametrize("key", DECLARED)
def test_a_section_that_a_file_leaves_out_is_empty_and_not_missing(key: str) -> None:
    """Without a default the engine refuses the stack; any but an empty one would look like its own."""
    entry = DECLARED[key]
    assert entry["default"] == KINDS[entry["type"]]()
    assert entry["description"].endswith(".")
    assert ("items" in entry) == (entry["type"] == "array")
    assert not entry.get("secret"), "the engine would refuse the empty default of a stack without secrets"


def test_the_lines_above_the_block_are_kept() -> None:
    by_hand = "name: other\n# a comment\nruntime: python\n"
    once = project.text(by_hand)
    assert once.startswith(by_hand)
    assert project.text(once) == once
    assert yaml.safe_load(once)["config"] == DECLARED
