"""Whether a test runs a command is read from its code: fixtures, helpers, and words that are handed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.guide.callers import runs

pytestmark = pytest.mark.unit
CONFTEST = """
import pytest

@pytest.fixture
def made(slipway):
    slipway("backup", "now", STACK, "--json")
"""
HELPERS = """
class Team:
    def slipway(self, verb, *arguments):
        return run(["slipway", "--stacks", "folder", *verb.split(), *arguments])

def found(*arguments):
    return run([PROGRAM, "logs", STACK, *arguments, "--json"])

def unused(team):
    team.slipway("down")
"""
TEST = """
from tests.helpers import Team, found

def test_it(made, team):
    into = ("--into", "looked_at")
    team.slipway("restore", "--backup", made, *into)
    found("--trace", "abc")
    shell(f'eval "$({slipway} env {STACK})"; pulumi preview -s {STACK}')

def test_something_else(team):
    team.slipway("up")
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tests"
    folder.mkdir()
    for name, text in {"conftest": CONFTEST, "helpers": HELPERS, "test_it": TEST}.items():
        (folder / f"{name}.py").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("verb", "beside", "run"),
    [
        ("restore", {"--backup"}, True),
        ("restore", {"--into", "looked_at"}, True),
        ("restore", {"--undo"}, False),
        ("backup now", set(), True),
        ("backup now", {"--full"}, False),
        ("logs", {"--trace"}, True),
        ("logs", {"--follow"}, False),
        ("pulumi preview", {"-s"}, True),
        ("env", set(), True),
        ("up", set(), False),
        ("down", set(), False),
    ],
)
def test_what_the_code_runs_is_found_and_nothing_else(
    tree: Path, verb: str, beside: set[str], run: bool
) -> None:
    assert runs("tests/test_it.py::test_it", verb.split(), beside, tree) is run


def test_a_test_that_is_gone_is_told(tree: Path) -> None:
    with pytest.raises(AssertionError, match="there is no test"):
        runs("tests/test_it.py::test_of_old", ["up"], set(), tree)
