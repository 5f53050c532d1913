"""`slipway diff`, from the outside: what differs, where each side has it from, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.errors import UserError
from tests.infra.layered import PROFILE, folder, slipway

pytestmark = pytest.mark.unit
STAGING = "service: {environment: staging, replicas: 2}\n"
LEFT, RIGHT = "ledger-dev", "ledger-staging"


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    folder(tmp_path, "  slipway:postgres: {storage: 5Gi}\n", stack=LEFT)
    own = "  slipway:postgres: {storage: 20Gi}\n  slipway:modules: [ledger, support]\n"
    found = folder(tmp_path, own, stack=RIGHT, profile=STAGING)
    file = found / f"Pulumi.{RIGHT}.yaml"
    file.write_text(
        file.read_text().replace(
            "encryptionsalt", "    redisPassword: {secure: v1:ciphertext}\nencryptionsalt"
        )
    )
    return found


def said(
    monkeypatch: pytest.MonkeyPatch, stacks: Path, *arguments: str, code: int = 0, columns: int = 120
) -> str:
    result = slipway(monkeypatch, stacks, "diff", *arguments, columns=columns)
    assert result.exit_code == code, result.output
    return result.output.replace(f"{stacks}/", "")


def as_data(monkeypatch: pytest.MonkeyPatch, stacks: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(monkeypatch, stacks, *arguments, "--json"))
    return found


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_a_value_that_differs_stands_with_both_sides_and_their_layers(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    found = rows(said(monkeypatch, stacks, LEFT, RIGHT))
    for row in (
        ["key", "-", LEFT, "+", RIGHT],
        ["storage", "5Gi", "(file:4)", "20Gi", "(file:4)"],
        ["replicas", "1", "(profile:3)", "2", "(profile:1)"],
        ["pool.size", "5", "(profile:5)", "20", "(default)"],
    ):
        assert row in found


def test_a_value_that_is_the_same_is_left_out_wherever_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder(tmp_path, stack=LEFT)
    stacks = folder(
        tmp_path,
        PROFILE.replace("service:", "  slipway:service:").replace("\n  ", "\n    "),
        stack="books-dev",
        profile=PROFILE,
    )
    assert said(monkeypatch, stacks, LEFT, "books-dev").splitlines()[2] == "No difference."


def test_lists_show_what_each_side_alone_has(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    found = rows(said(monkeypatch, stacks, LEFT, RIGHT))
    assert ["modules", "(default)", "+", "support", "(file:5)"] in found
    assert ["allowed_origins", "-", "http://localhost:3000", "(profile:4)", "[]", "(default)"] in found


def test_lists_that_differ_in_their_order_are_shown_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder(tmp_path, "  slipway:modules: [ledger, support]\n", stack=LEFT)
    stacks = folder(tmp_path, "  slipway:modules: [support, ledger]\n", stack="books-dev")
    text = said(monkeypatch, stacks, LEFT, "books-dev")
    assert "[ledger, support] (file:4)  [support, ledger] (file:4)" in text


def test_names_that_follow_from_the_stack_are_left_out_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    text = said(monkeypatch, stacks, LEFT, RIGHT)
    assert "namespace\n" not in text
    assert text.endswith("Left out, since it is each stack's own name: namespace.name (--all shows it).\n")


def test_all_shows_the_names_too(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    text = said(monkeypatch, stacks, LEFT, RIGHT, "--all")
    assert ["name", LEFT, "(the", "stack's", "name)", RIGHT, "(the", "stack's", "name)"] in rows(text)
    assert "Left out" not in text


def test_secrets_are_compared_by_name_only(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    text = said(monkeypatch, stacks, LEFT, RIGHT)
    assert ["redisPassword", "missing", "set", "(file:8)"] in rows(text)
    assert "secretKey" not in text
    assert "ciphertext" not in text + json.dumps(as_data(monkeypatch, stacks, LEFT, RIGHT))


def test_the_count_stands_at_the_end_and_is_that_of_the_rows(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    found = as_data(monkeypatch, stacks, LEFT, RIGHT)
    assert found["count"] == len(found["values"]) + len(found["secrets"])
    text = said(monkeypatch, stacks, LEFT, RIGHT)
    assert text.splitlines()[-2] == f"{len(found['values'])} values and 1 secret differ."


def test_one_difference_is_counted_in_the_singular(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder(tmp_path, stack=LEFT)
    stacks = folder(tmp_path, "  slipway:service: {log_level: ERROR}\n", stack="books-dev")
    assert "\n1 value differs.\n" in said(monkeypatch, stacks, LEFT, "books-dev")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([LEFT, RIGHT], 0),
        ([LEFT, RIGHT, "--exit-code"], 1),
        ([LEFT, LEFT, "--exit-code"], 0),
        ([LEFT, RIGHT, "--exit-code", "--json"], 1),
    ],
)
def test_the_exit_code_tells_a_difference_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, stacks: Path, arguments: list[str], code: int
) -> None:
    said(monkeypatch, stacks, *arguments, code=code)


def test_for_scripts_each_side_has_value_source_and_layers(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    found = as_data(monkeypatch, stacks, LEFT, RIGHT)
    by_key = {each["key"]: each for each in found["values"]}
    storage = by_key["postgres.storage"]
    assert (storage["left"]["value"], storage["right"]["value"], storage["by_nature"]) == (
        "5Gi",
        "20Gi",
        False,
    )
    assert storage["right"]["layers"][-1]["line"] == 4
    assert by_key["modules"]["only_right"] == ["support"]
    assert found["secrets"] == [{"name": "redisPassword", "left": "missing", "right": "set"}]


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal_and_keeps_its_keys_whole(
    monkeypatch: pytest.MonkeyPatch, stacks: Path, columns: int
) -> None:
    text = said(monkeypatch, stacks, LEFT, RIGHT, columns=columns)
    table = text[text.index("key ") : text.index(" differ.")].splitlines()[:-1]
    assert max(len(line) for line in table) <= columns
    assert any(
        line.startswith("  resources.memory_request ") or "pool.max_overflow " in line for line in table
    )


def test_a_side_with_problems_is_compared_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    folder(stacks, "  slipway:service: {replicas: two}\n", stack="books-dev")
    text = said(monkeypatch, stacks, LEFT, "books-dev")
    assert "See: slipway check books-dev" in text
    assert ["replicas", "1", "(profile:3)", "two", "(file:4)"] in rows(text)


def test_a_stack_that_is_none_is_refused_on_either_side(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    for pair in ((LEFT, "nobody-dev"), ("nobody-dev", LEFT)):
        error = slipway(monkeypatch, stacks, "diff", *pair).exception
        assert isinstance(error, UserError)
        assert "nobody-dev" in error.problems[0].where


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_the_check_hides_is_hidden_here_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: tuple[str, ...]
) -> None:
    folder(tmp_path, "  slipway:service: {allowed_origins: [AKIAHUNTER2HUNTER2AB]}\n", stack=LEFT)
    folder(
        tmp_path,
        "  slipway:service: {auth: {audience: hunter2hunter2hunter2hunter2hunter2hunt}}\n",
        stack=RIGHT,
    )
    text = said(monkeypatch, tmp_path, LEFT, RIGHT, *form)
    assert "hunter2" not in text.lower()
    assert "(hidden)" in text
