"""`slipway explain`, from the outside: tables, one key's story, secrets, broken files, scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.errors import EXIT_USAGE, UserError
from infra.paths import ROOT
from infra.settings import check
from infra.settings.leaves import leaves
from tests.infra.layered import PROFILE, STACK, folder, slipway

pytestmark = pytest.mark.unit
MAIN = "from infra.cli import main; main()"
STORED = "postgres.storage, redis.storage, backups.store.storage, monitoring.storage"
OWN = """\
  slipway:service:
    pool: {size: 8}
    allowed_origins: ["https://ledger.example.com"]
"""


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    return folder(tmp_path, OWN)


def said(monkeypatch: pytest.MonkeyPatch, stacks: Path, *arguments: str, columns: int = 120) -> str:
    result = slipway(monkeypatch, stacks, "explain", *arguments, columns=columns)
    assert (result.exit_code, result.exception) == (0, None)
    return result.output.replace(f"{stacks}/", "")


def as_data(monkeypatch: pytest.MonkeyPatch, stacks: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(monkeypatch, stacks, *arguments, "--json"))
    return found


def refused(monkeypatch: pytest.MonkeyPatch, stacks: Path, *arguments: str) -> UserError:
    error = slipway(monkeypatch, stacks, "explain", *arguments).exception
    assert isinstance(error, UserError)
    return error


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_without_a_key_every_value_stands_below_its_section_with_its_source(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    found = rows(said(monkeypatch, stacks, STACK))
    for row in (["service"], ["pool.size", "8", "file:5"], ["replicas", "1", "profile:3"], ["redis"]):
        assert row in found
    assert ["log_level", "INFO", "default"] in found
    assert ["name", "ledger-dev", "the", "stack's", "name"] in found
    assert sum(len(row) > 2 and row[0] == "storage_class" for row in found) == 4
    sources = [row[-1].partition(":")[0] for row in found[1:] if len(row) > 2]
    assert sum(source in {"default", "profile", "file", "name"} for source in sources) >= len(leaves())


def test_the_first_line_names_the_files(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    first = said(monkeypatch, stacks, STACK).splitlines()[0]
    assert first == "ledger-dev: file Pulumi.ledger-dev.yaml, profile profiles/dev.yaml"


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal_and_keeps_its_keys_whole(
    monkeypatch: pytest.MonkeyPatch, stacks: Path, columns: int
) -> None:
    lines = said(monkeypatch, stacks, STACK, columns=columns).splitlines()[1:]
    assert max(len(line) for line in lines) <= columns
    assert any(line.startswith("  rollout.progress_deadline_seconds ") for line in lines)


def test_set_leaves_out_what_no_file_sets(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    found = said(monkeypatch, stacks, STACK, "--set")
    assert "default" not in found
    assert "redis\n" not in found
    assert ["pool.size", "8", "file:5"] in rows(found)


def test_a_section_shows_its_keys_and_no_others(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    found = as_data(monkeypatch, stacks, STACK, "service.pool")
    assert [value["key"] for value in found["values"]] == [
        f"service.pool.{name}" for name in ("size", "max_overflow", "timeout_seconds", "recycle_seconds")
    ]
    assert found["secrets"] == []


@pytest.mark.parametrize(
    "key", ["service.pool.size", "slipway:service.pool.size", "config.slipway:service.pool.size"]
)
def test_a_key_tells_its_layers_in_their_order(
    monkeypatch: pytest.MonkeyPatch, stacks: Path, key: str
) -> None:
    text = said(monkeypatch, stacks, STACK, key)
    assert "service.pool.size = 8\nConnections one replica keeps open.\n" in text
    assert [row for row in rows(text) if row and row[0].startswith(("default", "profiles", "Pulumi"))] == [
        ["default", "20"],
        ["profiles/dev.yaml:5", "sets", "5"],
        ["Pulumi.ledger-dev.yaml:5", "sets", "8"],
    ]


def test_a_key_tells_its_type_range_and_the_rules_that_read_it(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    text = said(monkeypatch, stacks, STACK, "service.pool.size")
    found = rows(text)
    assert ["type", "whole", "number"] in found
    assert ["range", "1", "to", "200"] in found
    assert ["in", "a", "file", "slipway:service.pool.size"] in found
    assert "  pools-fit-the-database: Every pool at its largest" in text
    assert "service.pool.max_overflow 10" in text


def test_a_joined_list_tells_what_each_layer_adds(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    text = said(monkeypatch, stacks, STACK, "service.allowed_origins")
    assert "service.allowed_origins = [http://localhost:3000, https://ledger.example.com]" in text
    assert "adds [http://localhost:3000]" in text
    assert "adds [https://ledger.example.com]" in text
    assert "list rule  union: a higher layer's items follow those below, each once" in text


def test_a_key_with_a_closed_vocabulary_tells_its_words(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    text = said(monkeypatch, stacks, STACK, "service.log_level")
    assert "words      DEBUG, INFO, WARNING or ERROR (From which level on are lines written?)" in text


def test_a_computed_value_tells_what_it_follows_from(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    text = said(monkeypatch, stacks, STACK, "namespace.name")
    assert "namespace.name = ledger-dev\nnull, so it is the stack's name\n" in text


def test_the_story_of_a_key_keeps_to_the_width_except_for_paths(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    text = said(monkeypatch, stacks, STACK, "postgres.max_connections", columns=80)
    assert [line for line in text.splitlines() if len(line) > 80 and ".yaml" not in line] == []


@pytest.mark.parametrize(
    ("key", "guess"),
    [
        ("service.pool.sise", "; did you mean service.pool.size?"),
        ("servce", "; did you mean service?"),
        ("max_overflow", "; did you mean service.pool.max_overflow?"),
        ("storage", f"; did you mean {STORED}, logs.service.storage or logs.parts.storage?"),
        ("secrets.redisPasswort", "; did you mean secrets.redisPassword?"),
        ("slipway:postgres.storge", "; did you mean postgres.storage?"),
        ("quite.another", ""),
        ("", ""),
    ],
)
def test_an_unknown_key_is_told_with_what_may_have_been_meant(
    monkeypatch: pytest.MonkeyPatch, stacks: Path, key: str, guess: str
) -> None:
    error = refused(monkeypatch, stacks, STACK, key)
    assert str(error) == f'"{key}": unknown key{guess}\n  → slipway explain ledger-dev lists every key'
    assert error.exit_code == EXIT_USAGE


def test_secrets_are_shown_by_name_and_state_and_never_by_value(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    text = said(monkeypatch, stacks, STACK, "secrets")
    assert ["secretKey", "set", "file:8", "-"] in [row[:4] for row in rows(text)]
    assert ["redisPassword", "missing", "-", "-"] in [row[:4] for row in rows(text)]
    assert "How to make what is missing: slipway check ledger-dev" in text
    assert "ciphertext" not in text


def test_one_secret_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, stacks: Path) -> None:
    found = as_data(monkeypatch, stacks, STACK, "slipway:secrets.secretKey")
    assert [(secret["name"], secret["state"]) for secret in found["secrets"]] == [("secretKey", "set")]
    assert (found["values"], "ciphertext" in json.dumps(found)) == ([], False)


def test_for_scripts_every_value_has_its_layers_and_its_documentation(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    found = as_data(monkeypatch, stacks, STACK)
    assert [value["key"] for value in found["values"]] == [leaf.key for leaf in leaves()]
    size = next(value for value in found["values"] if value["key"] == "service.pool.size")
    assert (size["value"], size["source"], size["documentation"]["maximum"]) == (8, "stack", 200)
    assert [(layer["layer"], layer["value"]) for layer in size["layers"]] == [
        ("default", 20),
        ("profile", 5),
        ("stack", 8),
    ]
    assert [rule["rule"] for rule in size["rules"]] == ["pools-fit-the-database"]


def test_a_file_with_problems_is_shown_with_a_warning_that_names_the_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stacks = folder(tmp_path, "  slipway:service: {replicas: two, replcas: 3}\n")
    text = said(monkeypatch, stacks, STACK)
    assert text.splitlines()[1] == (
        "warning: 2 problems in these files; values as far as they can be read. See: slipway check ledger-dev"
    )
    assert ["replicas", "two", "file:4"] in rows(text)
    assert len(as_data(monkeypatch, stacks, STACK)["problems"]) == 2


def test_a_key_with_a_problem_is_told_in_the_words_of_the_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stacks = folder(tmp_path, "  slipway:service: {replicas: 99, log_level: LOUD}\n")
    text = said(monkeypatch, stacks, STACK, "service.replicas")
    assert "Pulumi.ledger-dev.yaml:4:21 slipway:service.replicas: 99 is more than 50\n  → " in text
    assert "LOUD" not in text


def test_a_note_on_a_section_is_told_with_its_keys_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = "  slipway:backups: {enabled: true, bucket: ledger-backups, encryption: none}\n"
    stacks = folder(tmp_path, own)
    assert "note: backups.enabled: " in said(monkeypatch, stacks, STACK)
    assert "who loses this cluster" in said(monkeypatch, stacks, STACK, "backups.schedule")
    assert "backups" not in said(monkeypatch, stacks, STACK, "redis")


def test_text_that_looks_like_markup_is_shown_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stacks = folder(tmp_path, "  slipway:postgres: {storage_class: '[bold]fast[/bold]'}\n")
    assert "[bold]fast[/bold]" in said(monkeypatch, stacks, STACK, "postgres")
    assert "postgres.storage_class = [bold]fast[/bold]" in said(
        monkeypatch, stacks, STACK, "postgres.storage_class"
    )


@pytest.mark.parametrize("stack", ["nobody-dev", "Ledger", "ledger-dve"])
def test_a_stack_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, stacks: Path, stack: str) -> None:
    assert refused(monkeypatch, stacks, stack).problems[0].remedy


def test_a_file_that_is_no_yaml_is_refused_with_the_text_of_the_check(
    monkeypatch: pytest.MonkeyPatch, stacks: Path
) -> None:
    (stacks / f"Pulumi.{STACK}.yaml").write_text("config: [1\n")
    with pytest.raises(UserError) as by_check:
        check.load(STACK, stacks, secrets=False)
    assert str(refused(monkeypatch, stacks, STACK)) == str(by_check.value)


def test_when_piped_there_are_no_colours_and_the_codes_are_those_of_the_command(stacks: Path) -> None:
    command = [sys.executable, "-c", MAIN, "explain", STACK]
    env = {**os.environ, "SLIPWAY_STACKS": str(stacks)}
    sound = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    wrong = subprocess.run(
        [*command, "servce"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert "\x1b" not in sound.stdout + wrong.stderr
    assert (sound.stderr, wrong.stdout, wrong.returncode) == ("", "", EXIT_USAGE)
    assert wrong.stderr.startswith('"servce": unknown key; did you mean service?')


@pytest.mark.parametrize("arguments", [["explain", STACK], ["diff", STACK, STACK]])
def test_neither_pulumi_nor_an_http_client_is_loaded(stacks: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-c", MAIN, *arguments]
    env = {**os.environ, "SLIPWAY_STACKS": str(stacks)}
    answer = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in answer.stderr.splitlines()}
    assert "pydantic" in loaded
    assert not loaded & {"pulumi", "pulumi_kubernetes", "httpx", "urllib3", "grpc", "cryptography"}


def test_a_profile_that_the_file_repeats_is_named_by_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "replicas: 1" in PROFILE
    stacks = folder(tmp_path, "  slipway:service: {replicas: 1}\n")
    assert ["replicas", "1", "file:4"] in rows(said(monkeypatch, stacks, STACK))


@pytest.mark.parametrize("arguments", [(), ("service.allowed_origins",), ("service.auth.audience",)])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_the_check_hides_is_hidden_here_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], form: tuple[str, ...]
) -> None:
    own = (
        "  slipway:service:\n    allowed_origins: [AKIAHUNTER2HUNTER2AB, ghp_hunter2hunter2]\n"
        "    auth: {audience: hunter2hunter2hunter2hunter2hunter2hunt}\n"
    )
    text = said(monkeypatch, folder(tmp_path, own), STACK, *arguments, *form)
    assert "hunter2" not in text.lower()
    assert "(hidden)" in text
