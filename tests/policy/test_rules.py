"""Every rule finds what is bad in its fixtures, with these words, and nothing in what is good."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.policy.catalogue import RULES
from infra.settings.stack import Environment
from tests.policy.manifests import FOLDER, files, read

pytestmark = pytest.mark.unit
BY_NAME = {rule.name: rule for rule in RULES}


def fixtures(kind: str) -> list[tuple[str, Path]]:
    return [(rule, path) for rule in BY_NAME for path in files(rule, kind)]


def of(kind: str) -> pytest.MarkDecorator:
    ids = [f"{rule}/{path.stem}" for rule, path in fixtures(kind)]
    return pytest.mark.parametrize(("rule", "path"), fixtures(kind), ids=ids)


@pytest.mark.parametrize("rule", BY_NAME)
def test_every_rule_has_a_bad_and_a_good_fixture(rule: str) -> None:
    assert files(rule, "bad")
    assert files(rule, "good")


def test_no_fixture_is_of_a_rule_that_there_is_not() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(BY_NAME)


@of("bad")
def test_a_rule_finds_what_is_bad_and_says_what_is_wrong_with_it(rule: str, path: Path) -> None:
    wanted = [
        (each["resource"], each["path"], each["what"], each.get("remedy", "")) for each in read(path).findings
    ]
    assert sorted(found_by(rule, path)) == sorted(wanted)
    assert wanted


@of("good")
def test_a_rule_finds_nothing_in_what_is_good(rule: str, path: Path) -> None:
    assert read(path).findings == []
    assert found_by(rule, path) == []


@of("bad")
def test_a_bad_fixture_is_of_an_environment_that_the_rule_is_for(rule: str, path: Path) -> None:
    assert read(path).plan.environment in (BY_NAME[rule].environments or Environment)


def found_by(rule: str, path: Path) -> list[tuple[str, str, str, str]]:
    """Resource, path, what and own remedy of what the rule finds where it applies, each once."""
    plan, found = read(path).plan, BY_NAME[rule]
    applies = plan.environment in (found.environments or Environment)
    breaches = found.find(plan) if applies else ()
    return list(dict.fromkeys((each.resource.name, each.path, each.what, each.remedy) for each in breaches))
