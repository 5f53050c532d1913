"""Tables of broken stack files, each with its exact message; and that all problems come at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from infra.errors import UserError
from infra.paths import ROOT
from infra.settings import check, rules
from infra.settings.rules.named import NOTES, RULES
from tests.infra.settings.broken_files import CASES, FILES, SECRETS, SOUND, STACK, filled

__all__ = ["CASES", "SECRETS", "SOUND"]

pytestmark = pytest.mark.unit
FILE = f"Pulumi.{STACK}.yaml"


def folder_with(tmp_path: Path, text: str | bytes, name: str = FILE) -> Path:
    shutil.copytree(ROOT / "stacks" / "profiles", tmp_path / "profiles")
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path


def messages(folder: Path, stack: str = STACK) -> list[str]:
    with pytest.raises(UserError) as caught:
        check.load(stack, folder)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def rules_broken(folder: Path, stack: str = STACK) -> list[str]:
    return [flaw.rule for flaw in check.examine(stack, folder).errors]


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_in_a_sound_file_has_its_one_message(tmp_path: Path, case: str) -> None:
    wanted = CASES[case]
    folder = folder_with(tmp_path, SOUND + wanted["text"] + SECRETS)
    colon = ":" if wanted["what"][0].isdigit() else ""
    assert messages(folder) == [f"{FILE}{colon}{wanted['what']}\n  → {wanted['remedy']}"]
    assert rules_broken(folder) == [wanted["rule"]]


@pytest.mark.parametrize("case", FILES)
def test_each_broken_file_has_its_one_message(tmp_path: Path, case: str) -> None:
    wanted, stack = FILES[case], FILES[case].get("stack", STACK)
    folder = folder_with(tmp_path, filled(wanted["text"], stack), f"Pulumi.{stack}.yaml")
    assert messages(folder, stack) == [f"{wanted['what']}\n  → {wanted['remedy']}"]
    assert rules_broken(folder, stack) == [wanted["rule"]]


UTF8 = "\n  → save the file as UTF-8"
BYTES = {
    "Latin-1 in a comment": (b"# caf\xe9\n", f":1:6: byte 6 (0xE9) is not UTF-8{UTF8}"),
    "half a character": ("config: 한".encode()[:-1], f":1:9: byte 9 (0xED) is not UTF-8{UTF8}"),
    "UTF-16": ("config: {}".encode("utf-16"), f": is UTF-16, and UTF-8 is wanted{UTF8}"),
    "UTF-32": ("config: {}".encode("utf-32"), f": is UTF-32, and UTF-8 is wanted{UTF8}"),
    "UTF-16 without its mark": (
        "config: {}".encode("utf-16-le"),
        ":1:2: holds the control character U+0000\n  → take it out",
    ),
    "a NUL": (b"config:\n  a: \0\n", ":2:6: holds the control character U+0000\n  → take it out"),
    "an escape sequence": (b"a: \x1b[31m\n", ":1:4: holds the control character U+001B\n  → take it out"),
    "a mark in its middle": (b"a: 1\n\xfe\xff", f":2:1: byte 6 (0xFE) is not UTF-8{UTF8}"),
    "a file that is too large": (
        b"#" * 70_000,
        ": has 70000 bytes; a stack file has at most 65536\n  → is it the right file?",
    ),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_text_have_their_one_message(tmp_path: Path, case: str) -> None:
    raw, wanted = BYTES[case]
    assert messages(folder_with(tmp_path, raw)) == [f"{FILE}{wanted}"]


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, b"")
    os.truncate(folder / FILE, 10**11)  # sparse: it takes no room, and reading it would never end
    assert messages(folder) == [
        f"{FILE}: has 100000000000 bytes; a stack file has at most 65536\n  → is it the right file?"
    ]


def test_every_rule_is_broken_by_a_case() -> None:
    shown = {case["rule"] for case in (*CASES.values(), *FILES.values())}
    elsewhere = {"encoding", "too-large", "no-file", "stack-name", *NOTES}  # the tests of this file
    assert shown | elsewhere == set(RULES)
    assert {rules.name(rule) for rule in rules.RULES} <= shown
    assert len(CASES) + len(FILES) + len(BYTES) >= 70


def test_every_rule_says_what_it_asks() -> None:
    assert [name for name, asked in RULES.items() if not asked.endswith(".")] == []


def test_a_sound_file_loads(tmp_path: Path) -> None:
    settings = check.load(STACK, folder_with(tmp_path, SOUND + SECRETS))
    assert (settings.namespace_name, settings.service.replicas) == ("ledger-dev", 1)


@pytest.mark.parametrize("form", ["a byte order mark", "CRLF", "no last line end", "a document's start"])
def test_a_sound_file_loads_in_every_form_an_editor_writes(tmp_path: Path, form: str) -> None:
    text = SOUND + SECRETS
    forms = {
        "a byte order mark": text.encode("utf-8-sig"),
        "CRLF": text.replace("\n", "\r\n").encode(),
        "no last line end": text.rstrip("\n").encode(),
        "a document's start": f"%YAML 1.1\n---\n{text}".encode(),
    }
    assert check.load(STACK, folder_with(tmp_path, forms[form])).service.replicas == 1


def test_places_count_from_1_behind_a_byte_order_mark_and_with_crlf(tmp_path: Path) -> None:
    text = (SOUND + "  slipway:service:\n    replicsa: 3\n" + SECRETS).replace("\n", "\r\n")
    (message,) = messages(folder_with(tmp_path, text.encode("utf-8-sig")))
    assert message.startswith(f"{FILE}:5:5 slipway:service.replicsa: unknown key")


def test_null_takes_a_profiles_value_away_where_the_field_may_be_absent(tmp_path: Path) -> None:
    text = SOUND + "  slipway:service: {node_port: null, min_available: ~}\n" + SECRETS
    assert check.load(STACK, folder_with(tmp_path, text)).service.node_port is None


def test_every_problem_is_reported_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = "  slipway:service:\n    replicas: 0\n    log_level: LOUD\n  slipway:redis: {maxmemory: x}\n"
    found = messages(folder_with(tmp_path, SOUND + text + SECRETS))
    assert [message.split(" ")[0] for message in found] == [f"{FILE}:5:5", f"{FILE}:6:5", f"{FILE}:7:19"]


def test_all_missing_secrets_are_named(tmp_path: Path) -> None:
    found = messages(folder_with(tmp_path, SOUND))
    assert [message.split(" ")[1] for message in found] == [
        f"slipway:secrets.{name}:"
        for name in (
            "devToken",
            "postgresOwnerPassword",
            "postgresServicePassword",
            "redisPassword",
            "secretKey",
        )
    ]


NO_FILE = "\n  → check the stack's name, or make it: slipway init --team ledger"


def test_a_stack_without_a_file_says_so(tmp_path: Path) -> None:
    assert messages(tmp_path) == [f"{FILE}: does not exist{NO_FILE}"]


def test_a_stack_without_a_file_may_be_a_misspelt_one(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, SOUND, "Pulumi.legder-dev.yaml")
    assert messages(folder) == [f"{FILE}: does not exist; did you mean legder-dev?{NO_FILE}"]


def test_a_folder_is_no_stack_file(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert messages(tmp_path) == [f"{FILE}: is a folder, and a file is wanted{NO_FILE}"]


def test_a_pipe_is_no_stack_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    assert messages(tmp_path) == [f"{FILE}: is not a regular file{NO_FILE}"]


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to("gone.yaml")
    assert messages(tmp_path) == [f"{FILE}: is a link to gone.yaml, which cannot be followed{NO_FILE}"]


def test_a_link_to_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to(FILE)
    assert messages(tmp_path) == [f"{FILE}: is a link to {FILE}, which cannot be followed{NO_FILE}"]


def test_a_file_that_may_not_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with(tmp_path, SOUND)
    opened = Path.open

    def refused(path: Path, *rest: str, **how: str) -> object:
        if path.name == FILE:
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refused)
    assert messages(folder) == [
        f"{FILE}: cannot be read: permission denied\n  → check the file's owner and mode: ls -l"
    ]


@pytest.mark.parametrize(
    "name", ["ledger", "Ledger-dev", "ledger-test", "-dev", "", "a/b-dev", "ledger-dev\n"]
)
def test_a_name_that_is_no_stack_is_refused(tmp_path: Path, name: str) -> None:
    (message,) = messages(tmp_path, name)
    assert message.startswith(f"stack {name!r}: the name is neither sandbox nor <team>-<env>")


@pytest.mark.parametrize("name", ["foo", "Ledger-dev", "ledger-test"])
def test_a_file_whose_name_is_no_stack_says_how_to_name_it(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path, SOUND, f"Pulumi.{name}.yaml")
    assert messages(folder, name) == [
        f'Pulumi.{name}.yaml: "{name}": the name is neither sandbox nor <team>-<env> with env one of dev, '
        "staging, prod\n  → rename the file; name it so: lower-case letters, digits and hyphens, for example "
        "ledger-dev"
    ]


def test_rules_between_sound_values_are_told_beside_values_that_are_wrong(tmp_path: Path) -> None:
    text = (
        "  slipway:service: {replicas: many, log_level: LOUD, min_available: 9}\n"
        "  slipway:backups: {enabled: true, retention_days: 1, full_schedule: 0 3 * * *}\n"
    )
    found = messages(folder_with(tmp_path, SOUND + text + SECRETS))
    assert [message.partition(": ")[0].rpartition(" ")[2] for message in found] == [
        "slipway:service.replicas",
        "slipway:service.log_level",
        "slipway:backups.enabled",
        "slipway:backups.retention_days",
        "slipway:backups.retention_days",
        "slipway:secrets.backupKey",
    ], "min_available is held against replicas, of which nothing is known"


def test_a_number_in_quotes_is_called_text_whatever_the_profile_has_there(tmp_path: Path) -> None:
    (message,) = messages(folder_with(tmp_path, SOUND + '  slipway:service: {replicas: "4"}\n' + SECRETS))
    assert 'replicas: "4" is text, and a whole number is wanted\n  → write 4 without quotes' in message
