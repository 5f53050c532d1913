"""A table of broken stack files, each with the exact message; and that all problems come at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from infra.errors import UserError
from infra.paths import STACKS
from infra.settings import check
from infra.settings.secrets import SecretName

pytestmark = pytest.mark.unit
FILE = "Pulumi.ledger-dev.yaml"
SECRETS = "  slipway:secrets:\n" + "".join(f"    {name.value}: {{secure: v1:abc}}\n" for name in SecretName)
SOUND = """config:
  slipway:cluster: {context: team}
  slipway:images: {service: registry.example/team/service:1.4.2}
"""
CASES: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("broken.yaml").read_text(encoding="utf-8")
)


def folder_with(tmp_path: Path, text: str | bytes, name: str = FILE) -> Path:
    shutil.copytree(STACKS / "profiles", tmp_path / "profiles")
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path


def problems(folder: Path, stack: str = "ledger-dev") -> list[str]:
    with pytest.raises(UserError) as caught:
        check.load(stack, folder)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_has_its_one_message(tmp_path: Path, case: str) -> None:
    wanted = CASES[case]
    found = problems(folder_with(tmp_path, SOUND + wanted["text"] + SECRETS))
    assert found == [f"{FILE}:{wanted['what']}\n  → {wanted['remedy']}"]


def test_a_sound_file_loads(tmp_path: Path) -> None:
    settings = check.load("ledger-dev", folder_with(tmp_path, SOUND + SECRETS))
    assert (settings.namespace_name, settings.service.replicas) == ("ledger-dev", 1)


def test_every_problem_is_reported_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (
        "config:\n  slipway:service:\n    replicas: 0\n    log_level: LOUD\n  slipway:redis: {maxmemory: x}\n"
    )
    found = problems(folder_with(tmp_path, text + SECRETS))
    assert [problem.split(" ")[0] for problem in found] == [f"{FILE}:3:5", f"{FILE}:4:5", f"{FILE}:5:19"]


SYNTAX = "\n  → mend the line; two spaces indent, `key: value`, text with special characters in quotes"
UNREADABLE = {
    b"config:\n\tslipway:service: {}\n": (
        ":2:1: is not YAML: found a tab character that cannot start any token" + SYNTAX
    ),
    b"config: [1\n": ":2:1: is not YAML: expected ',' or ']', but got '<stream end>'" + SYNTAX,
    b"config: \xff\n": ": byte 9: is not UTF-8\n  → save the file as UTF-8",
    b"- one\n": ": is not a mapping of keys to values" + SYNTAX,
    b"a: &x 1\nconfig: *x\n": ":2:9: is not YAML: aliases (*name) are not supported" + SYNTAX,
    b"#" * 300_000: ": has 300000 bytes; a stack file has at most 262144\n  → is it the right file?",
}  # fmt: skip


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: UNREADABLE[text].splitlines()[0][:40])
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, text: bytes) -> None:
    assert problems(folder_with(tmp_path, text))[0] == f"{FILE}{UNREADABLE[text]}"


def test_an_empty_file_names_what_is_missing(tmp_path: Path) -> None:
    found = problems(folder_with(tmp_path, ""))
    assert found[0].startswith(f"{FILE} slipway:cluster.context: is missing, and cluster.sandbox is false\n")
    assert sum("secrets." in problem for problem in found) == len(SecretName)


def test_a_missing_secret_names_the_command_that_makes_it(tmp_path: Path) -> None:
    text = SOUND + SECRETS.replace("    secretKey: {secure: v1:abc}\n", "")
    assert problems(folder_with(tmp_path, text)) == [
        f"{FILE}:4:3 slipway:secrets.secretKey: is missing\n"
        "  → pulumi config set --path --secret slipway:secrets.secretKey -s ledger-dev"
    ]


def test_a_plain_secret_is_refused_and_not_shown(tmp_path: Path) -> None:
    text = SOUND + SECRETS.replace("secretKey: {secure: v1:abc}", "secretKey: hunter2")
    found = problems(folder_with(tmp_path, text))
    assert found == [
        f"{FILE}:8:5 slipway:secrets.secretKey: is not encrypted\n  → take a new value, this one has "
        "been seen: pulumi config set --path --secret slipway:secrets.secretKey -s ledger-dev"
    ]
    assert "hunter2" not in "".join(found)


def test_a_stack_without_a_file_says_so(tmp_path: Path) -> None:
    assert problems(tmp_path) == [
        f"{FILE}: does not exist\n  → check the stack's name, or make it: pulumi stack init ledger-dev"
    ]


@pytest.mark.parametrize("name", ["ledger", "Ledger-dev", "ledger-test", "-dev", ""])
def test_a_name_that_is_no_stack_is_refused(tmp_path: Path, name: str) -> None:
    (message,) = problems(tmp_path, name)
    assert message.startswith(f"stack {name!r}: the name is neither sandbox nor <team>-<env>")
