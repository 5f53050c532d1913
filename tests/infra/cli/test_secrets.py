"""`slipway secrets` with the real Pulumi CLI: ages, new values, given values, and nothing else changed."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path

import pytest

from infra import stack_secrets
from infra.settings import check
from infra.settings.secrets import SecretName
from tests.infra.onboarding.conftest import ANSWERS, Machine
from tests.infra.onboarding.terminal import Terminal

STACK = "lighthouse-dev"
OLD = """\
# yaml-language-server: $schema=./schema.json
# Ours, with remarks.
encryptionsalt: {salt}
config:
  # where it goes
  slipway:cluster: {{sandbox:   true}}   # three blanks
  slipway:images: {{catalogue: sandbox}}
{secrets}
  slipway:modules: [ledger]
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A team that has come aboard; copied, never changed."""
    machine = Machine(tmp_path_factory.mktemp("aboard") / "machine")
    assert machine.slipway("init", "--answers", str(ANSWERS)).returncode == 0
    return machine


@pytest.fixture
def machine(before: Machine, tmp_path: Path) -> Machine:
    copy = Machine(tmp_path / "machine")
    shutil.copytree(before.root, copy.root, dirs_exist_ok=True)
    return copy


def lines_that_differ(old: str, new: str) -> list[str]:
    assert len(old.splitlines()) == len(new.splitlines())
    pairs = zip(old.splitlines(), new.splitlines(), strict=True)
    return [mine.split(":")[0].strip() for mine, other in pairs if mine != other]


def test_the_list_names_secrets_ages_and_purpose_and_no_value(before: Machine) -> None:
    said = before.slipway("secrets", "list", STACK).stdout
    assert "stack lighthouse-dev, encrypted with passphrase" in said
    for name in SecretName:
        assert (name.value in said) is (
            not name.given and name not in {SecretName.BACKUP_KEY, SecretName.GRAFANA_ADMIN_PASSWORD}
        )
    assert said.count(" 0 d ") == 5
    assert [value for value in before.secrets(STACK).values() if value in said] == []
    assert "v1:" not in said


def test_the_list_for_scripts_has_the_same(before: Machine) -> None:
    found = json.loads(before.slipway("secrets", "list", "lighthouse-prod", "--json").stdout)
    assert (found["stack"], found["provider"]) == ("lighthouse-prod", "passphrase")
    assert {item["age_days"] for item in found["secrets"]} == {0}
    assert [item["name"] for item in found["secrets"]] == [
        "postgresOwnerPassword", "postgresServicePassword", "redisPassword", "secretKey"
    ]  # fmt: skip


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_password_in_the_providers_address_is_not_listed(machine: Machine, form: tuple[str, ...]) -> None:
    file = machine.file(STACK)
    file.write_text(f"secretsprovider: hashivault://me:hunter2@x/y z\n{file.read_text()}")
    said = machine.slipway("secrets", "list", STACK, *form).stdout
    assert "hunter2" not in said
    assert "(hidden)" in said


def test_an_age_is_counted_and_unknown_without_a_date(machine: Machine) -> None:
    file = machine.file(STACK)
    day = json.loads(machine.slipway("secrets", "list", STACK, "--json").stdout)["secrets"][0]["rotated"]
    text = file.read_text().replace(f'    redisPassword: "{day}"\n', '    redisPassword: "2026-01-01"\n')
    file.write_text(text.replace(f'    secretKey: "{day}"\n', ""))
    found = json.loads(machine.slipway("secrets", "list", STACK, "--json").stdout)["secrets"]
    ages = {item["name"]: item["age_days"] for item in found}
    assert ages["redisPassword"] > 300
    assert ages["secretKey"] is None
    assert "unknown" in machine.slipway("secrets", "list", STACK).stdout


def test_a_missing_secret_is_listed_as_missing(machine: Machine) -> None:
    file = machine.file(STACK)
    kept = [line for line in file.read_text().splitlines() if not line.startswith("    secretKey: {")]
    file.write_text("\n".join(kept) + "\n")
    found = json.loads(machine.slipway("secrets", "list", STACK, "--json").stdout)["secrets"]
    assert [item["name"] for item in found if not item["set"]] == ["secretKey"]


def test_a_rotation_changes_one_value_and_no_other_character(machine: Machine) -> None:
    old, values = machine.file(STACK).read_text(), machine.secrets(STACK)
    answer = machine.slipway("secrets", "rotate", "redisPassword", STACK)
    assert answer.returncode == 0, answer.stderr
    assert lines_that_differ(old, machine.file(STACK).read_text()) == ["redisPassword"]
    after = machine.secrets(STACK)
    assert [name for name in values if values[name] != after[name]] == ["redisPassword"]
    assert f"takes effect with: slipway --stacks {machine.stacks} up {STACK}, which" in answer.stdout
    assert after["redisPassword"] not in answer.stdout + answer.stderr


def test_all_rotates_every_one_that_is_made_here(machine: Machine) -> None:
    values = machine.secrets("lighthouse-prod")
    assert machine.slipway("secrets", "rotate", "--all", "lighthouse-prod").returncode == 0
    after = machine.secrets("lighthouse-prod")
    assert list(after) == list(values)
    assert set(after.values()) & set(values.values()) == set()
    assert check.examine("lighthouse-prod", machine.stacks).errors == ()


def test_a_rotation_writes_the_day(machine: Machine) -> None:
    file = machine.file(STACK)
    day = stack_secrets.today().isoformat()
    file.write_text(file.read_text().replace(f'    secretKey: "{day}"', "    secretKey: '2026-01-01'"))
    assert machine.slipway("secrets", "rotate", "secretKey", STACK).returncode == 0
    assert f'    secretKey: "{day}"\n' in file.read_text()


def test_remarks_order_and_blanks_stay_where_a_first_date_is_added(machine: Machine) -> None:
    file = machine.file(STACK)
    lines = file.read_text().splitlines()
    start, end = lines.index("  slipway:secrets:"), lines.index("  slipway:rotated:")
    salt = next(line.partition(": ")[2] for line in lines if line.startswith("encryptionsalt"))
    file.write_text(OLD.format(salt=salt, secrets="\n".join(lines[start:end])))
    assert machine.slipway("secrets", "rotate", "devToken", STACK).returncode == 0
    after = file.read_text()
    for kept in ("# Ours, with remarks.", "  # where it goes", "# three blanks", "# yaml-language-server"):
        assert kept in after
    assert f'devToken: "{stack_secrets.today()}"' in after
    assert after.index("slipway:cluster") < after.index("slipway:secrets") < after.index("slipway:modules")


def test_a_given_value_comes_from_standard_input(machine: Machine) -> None:
    value = secrets.token_urlsafe(40)
    answer = machine.slipway("secrets", "set", "secretKey", STACK, stdin=f"{value}\n")
    assert answer.returncode == 0, answer.stderr
    assert machine.secrets(STACK)["secretKey"] == value
    assert value not in answer.stdout + answer.stderr


def test_a_value_of_digits_stays_text(machine: Machine) -> None:
    value = "12345678901234567890123456789012"
    assert machine.slipway("secrets", "set", "secretKey", STACK, stdin=value).returncode == 0
    assert machine.secrets(STACK)["secretKey"] == value


def test_a_hidden_prompt_takes_the_value_and_shows_nothing_of_it(machine: Machine) -> None:
    value = secrets.token_urlsafe(40)
    terminal = Terminal(["secrets", "set", "secretKey", STACK], machine.environment)
    terminal.answer("secretKey of lighthouse-dev: ", value)
    terminal.answer("Repeat for confirmation: ", value)
    assert terminal.end() == 0, terminal.seen
    assert value not in terminal.seen
    assert machine.secrets(STACK)["secretKey"] == value


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("short", "has 5 characters; at least 32 are needed"),
        ("", "has 0 characters; at least 32 are needed"),
        ("changeme-0123456789-abcdefghijklmn", "is a placeholder, not a secret"),
        ("a" * 40, "has fewer than 8 different characters"),
        ("a word and another one, and many more of them", "holds spaces, line breaks or characters beyond"),
        ("비밀번호" * 10, "holds spaces, line breaks or characters beyond ASCII"),
    ],
)
def test_a_weak_value_is_refused_and_not_shown(before: Machine, value: str, what: str) -> None:
    old = before.file(STACK).read_text()
    answer = before.slipway("secrets", "set", "secretKey", STACK, stdin=value)
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"slipway:secrets.secretKey: {what}")
    assert not value or value not in answer.stdout + answer.stderr
    assert before.file(STACK).read_text() == old


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("rotate", "redisPasword", STACK),
            "redisPasword: is no secret; did you mean redisPassword?\n  → secrets of lighthouse-dev: "
            "postgresOwnerPassword, postgresServicePassword, redisPassword, secretKey, devToken\n",
        ),
        (
            ("rotate", "devToken", "lighthouse-prod"),
            "devToken: is not used by lighthouse-prod\n  → see which are: slipway secrets list ",
        ),
        (
            ("rotate",),
            "slipway secrets rotate: takes either a secret's name or --all\n  → slipway secrets rotate KEY "
            "[STACK], or slipway secrets rotate --all [STACK]\n",
        ),
        (("list", "lighthouse"), "stack 'lighthouse': "),
        (("list", "other-dev"), "{stacks}/Pulumi.other-dev.yaml: does not exist\n"),
    ],
)
def test_a_wrong_name_is_told(before: Machine, arguments: tuple[str, ...], said: str) -> None:
    answer = before.slipway("secrets", *arguments)
    assert answer.returncode in {1, 2}
    assert answer.stderr.startswith(said.format(stacks=before.stacks))


def test_what_someone_else_issues_is_not_made_here(machine: Machine) -> None:
    file = machine.file(STACK)
    file.write_text(file.read_text().replace("modules: [ledger]", "modules: [ledger, assistant]"))
    answer = machine.slipway("secrets", "rotate", "openaiApiKey", STACK)
    assert answer.stderr == (
        "openaiApiKey: is issued by someone else and cannot be made here\n"
        "  → get a new one, then: slipway secrets set openaiApiKey lighthouse-dev\n"
    )
    everything = machine.slipway("secrets", "rotate", "--all", STACK)
    assert "left alone, since someone else issues it: openaiApiKey" in everything.stdout


def test_another_passphrase_is_told_and_nothing_changes(machine: Machine) -> None:
    old = machine.file(STACK).read_text()
    machine.extra = {"PULUMI_CONFIG_PASSPHRASE": "another"}
    answer = machine.slipway("secrets", "rotate", "secretKey", STACK)
    assert answer.returncode == 1
    assert answer.stderr.endswith(
        f"{machine.file(STACK)}: is encrypted with another passphrase than the one at hand\n"
        "  → set PULUMI_CONFIG_PASSPHRASE_FILE to the file that holds the passphrase of lighthouse-dev\n"
    )
    assert machine.file(STACK).read_text() == old
    assert sorted(path.name for path in machine.stacks.glob(".*")) == []


def test_every_secret_has_an_effect_in_words() -> None:
    assert set(stack_secrets.EFFECTS) == set(SecretName)


def test_a_secret_that_was_not_there_is_added_and_the_check_is_content(machine: Machine) -> None:
    file = machine.file(STACK)
    file.write_text(file.read_text().replace("modules: [ledger]", "modules: [ledger, assistant]"))
    file.write_text(file.read_text().replace("{catalogue: sandbox}", "{catalogue: sandbox, service: a/b:1}"))
    assert [flaw.rule for flaw in check.examine(STACK, machine.stacks).errors] == ["missing-secret"]
    value = "sk-" + secrets.token_urlsafe(40)
    assert machine.slipway("secrets", "set", "openaiApiKey", STACK, stdin=value).returncode == 0
    assert check.examine(STACK, machine.stacks).errors == ()
    assert machine.secrets(STACK)["openaiApiKey"] == value
