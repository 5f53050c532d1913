"""One section of a stack file is written anew, and every other line stays as somebody wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra import stack_file
from infra.errors import UserError
from infra.scratch import scratch

pytestmark = pytest.mark.unit
KEY = "slipway:released"
TEXT = """\
# whose it is
encryptionsalt: v1:abc
config:
  # the cluster of the team
  slipway:cluster:
    context: team  # not the default
  slipway:images: {service: "registry.example/team/service:1"}
  # comes last
  slipway:modules: [ledger]
"""
VALUES = {"number": 2, "active": "green", "image": "registry.example/team/service:2"}


def test_a_section_that_is_new_comes_first_and_moves_nothing_else() -> None:
    text = stack_file.replaced(TEXT, KEY, VALUES)
    assert text is not None
    assert yaml.safe_load(text)["config"][KEY] == VALUES
    head, block, rest = text.partition("config:\n")
    assert rest.startswith(f"  {KEY}:\n    number: 2\n")
    assert head + block + rest[rest.index("  # the cluster") :] == TEXT


@pytest.mark.parametrize("tail", ["", "  slipway:slo: {window: 7d}\n", "# the end\n", "\n\n"])
def test_a_section_that_is_there_is_replaced_where_it_stands(tail: str) -> None:
    before = TEXT + f"  {KEY}:\n    number: 1\n    # of the first\n    image: a:1\n" + tail
    text = stack_file.replaced(before, KEY, VALUES)
    assert text is not None
    assert text.startswith(TEXT)
    assert text.endswith(tail)
    assert yaml.safe_load(text)["config"][KEY] == VALUES


def test_a_section_of_nothing_is_taken_out_with_its_lines() -> None:
    there = stack_file.replaced(TEXT, KEY, VALUES)
    assert there is not None
    assert stack_file.replaced(there, KEY, {}) == TEXT


def test_a_section_written_in_one_line_is_replaced_too() -> None:
    before = TEXT + f"  {KEY}: {{number: 1}}"
    text = stack_file.replaced(before, KEY, VALUES)
    assert text is not None
    assert yaml.safe_load(text)["config"][KEY] == VALUES


@pytest.mark.parametrize("text", ["config: {}\n", "encryptionsalt: v1:abc\n", "config:\n", "- a\n"])
def test_a_config_that_is_no_block_is_left_alone(text: str) -> None:
    assert stack_file.replaced(text, KEY, VALUES) is None


def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.team-dev.yaml"
    file.write_text("theirs")
    with scratch(tmp_path) as work, pytest.raises(UserError, match="changed by somebody else"):
        stack_file.swap(work, file, b"ours", "new")
    assert file.read_text() == "theirs"
