"""`slipway check --policy`: what it says of a stack, in which form, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.errors import UserError
from infra.policy.catalogue import RULES
from infra.policy.check import IDLE
from infra.settings.rules.named import RULES as OF_FILES
from tests.infra.layered import slipway
from tests.infra.settings.broken_files import filled

pytestmark = pytest.mark.unit
Run = pytest.MonkeyPatch
STACK = "ledger-prod"
FILE = f"Pulumi.{STACK}.yaml"
TOLD = (
    '  slipway:monitoring: {receivers: {slack: {channel: "#alerts"}}}\n'
    "  slipway:network: {callers: [shop-prod]}\n"
)
UNSAVED = "databases-have-backups"
MISSING = [
    "no CronJob backup-database dumps it",
    "no CronJob backup-drill tries whether the dumps can be restored",
    "no CronJob backup-retention removes what is kept no longer",
]
REMEDY = "  → set backups.enabled: true, a bucket and a store in the stack file"
SOURCE = "as the program declares them; no engine, cluster or secret was asked"


def write(folder: Path, own: str = "", stack: str = STACK, told: str = TOLD) -> Path:
    """A sound stack file with ``own`` in it; without ``told`` production's alerts are told to nobody."""
    secrets = "<secrets-with-slackWebhookUrl>\n" if told else "<secrets>\n"
    file = folder / f"Pulumi.{stack}.yaml"
    file.write_text(filled(f"<sound>\n{told}{own}{secrets}", stack), encoding="utf-8")
    return folder


def exempt(until: str = "", rule: str = UNSAVED, name: str = "postgres-set") -> str:
    last = f', until: "{until}"' if until else ""
    return (
        "  slipway:policy:\n    exempt:\n"
        f"      - {{rule: {rule}, resource: {name}, reason: the data is made anew every night{last}}}\n"
    )


def checked(monkeypatch: Run, folder: Path, *arguments: str) -> tuple[int, str]:
    result = slipway(monkeypatch, folder, "check", "--policy", *arguments)
    return result.exit_code, result.output.replace(f"{folder}/", "")


def test_a_stack_that_keeps_every_rule_is_sound_and_told_how_it_was_planned(
    tmp_path: Path, monkeypatch: Run
) -> None:
    code, said = checked(monkeypatch, write(tmp_path, stack="ledger-dev", told=""))
    assert code == 0
    first, last = said.splitlines()
    assert first.startswith("1 stack is sound (")
    assert last.startswith("policy: ")
    assert last.endswith(f" resources of 1 stack, {SOURCE}")


def test_a_broken_rule_is_told_with_resource_and_remedy_and_the_exit_code_is_1(
    tmp_path: Path, monkeypatch: Run
) -> None:
    code, said = checked(monkeypatch, write(tmp_path))
    assert code == 1
    lines = said.splitlines()
    assert lines[:6] == [line for what in MISSING for line in (f"{FILE} postgres-set: {what}", REMEDY)]
    assert lines[7].startswith("1 stack checked, 3 problems (")


def test_without_the_option_no_rule_of_policy_is_held(tmp_path: Path, monkeypatch: Run) -> None:
    result = slipway(monkeypatch, write(tmp_path), "check")
    assert (result.exit_code, "policy" in result.output) == (0, False)


def test_what_is_exempt_stops_nothing_and_is_told_with_its_reason(tmp_path: Path, monkeypatch: Run) -> None:
    code, said = checked(monkeypatch, write(tmp_path, exempt("2099-12-31")))
    assert code == 0
    assert said.splitlines()[:2] == [
        f"{FILE}:8:9 slipway:policy.exempt[0]: note: postgres-set {MISSING[0]}; exempt from {UNSAVED} until "
        "2099-12-31: the data is made anew every night",
        "  → take the exemption out as soon as it is mended",
    ]
    assert said.count("exempt from") == 3


def test_an_exemption_that_has_ended_stops_the_stack_again(tmp_path: Path, monkeypatch: Run) -> None:
    code, said = checked(monkeypatch, write(tmp_path, exempt("2020-02-29")))
    assert code == 1
    assert f"{FILE} postgres-set: {MISSING[0]}; its exemption ended on 2020-02-29\n{REMEDY}" in said


def test_an_exemption_that_accepts_nothing_is_told_at_its_line(tmp_path: Path, monkeypatch: Run) -> None:
    own = exempt(rule="databases-have-backup")
    code, said = checked(monkeypatch, write(tmp_path, own, stack="ledger-dev", told=""))
    assert code == 0
    assert said.startswith(
        "Pulumi.ledger-dev.yaml:6:9 slipway:policy.exempt[0]: note: there is no rule databases-have-backup; "
        f"did you mean {UNSAVED}?\n  → docs/policy.md has their names\n"
    )


def test_a_stack_that_is_not_sound_is_not_planned(tmp_path: Path, monkeypatch: Run) -> None:
    write(tmp_path, stack="ledger-dev", told="")
    write(tmp_path, "  slipway:service: {replicsa: 3}\n", stack="other-dev", told="")
    code, said = checked(monkeypatch, tmp_path)
    assert code == 1
    assert "replicsa: unknown key" in said
    assert said.splitlines()[-1].endswith(f" resources of 1 stack (1 not planned), {SOURCE}")


def test_json_has_the_findings_and_how_they_were_found(tmp_path: Path, monkeypatch: Run) -> None:
    found = json.loads(checked(monkeypatch, write(tmp_path), "--format", "json")[1])
    assert set(found) == {"version", "stacks", "policy"}
    assert found["policy"]["planned_by"] == "program"
    assert found["policy"]["resources"] > 60
    (stack,) = found["stacks"]
    assert stack["sound"] is False
    assert stack["errors"][0] == {
        "file": FILE,
        "rule": UNSAVED,
        "what": MISSING[0],
        "remedy": REMEDY.removeprefix("  → "),
        "line": None,
        "column": None,
        "key": "postgres-set",
        "value": None,
        "level": "error",
    }


def test_sarif_knows_every_rule_and_its_level(tmp_path: Path, monkeypatch: Run) -> None:
    (run,) = json.loads(checked(monkeypatch, write(tmp_path), "--format", "sarif")[1])["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [*OF_FILES, *(rule.name for rule in RULES), IDLE]
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in rules}
    assert (levels[UNSAVED], levels["buckets-are-locked"], levels[IDLE]) == ("error", "note", "note")
    assert {rules[each["ruleIndex"]]["id"] for each in run["results"]} == {UNSAVED}


def test_github_gets_an_annotation_for_each_finding(tmp_path: Path, monkeypatch: Run) -> None:
    said = checked(monkeypatch, write(tmp_path), "--format", "github")[1].splitlines()
    assert said[0].startswith(f"::error file={FILE},title={UNSAVED} postgres-set::postgres-set: {MISSING[0]}")


PLANNED = {
    "urn": f"urn:pulumi:{STACK}::slipway::kubernetes:core/v1:Service::open",
    "op": "create",
    "newState": {
        "type": "kubernetes:core/v1:Service",
        "inputs": {"kind": "Service", "spec": {"type": "NodePort"}},
    },
}


def test_a_saved_preview_is_judged_in_place_of_the_program(tmp_path: Path, monkeypatch: Run) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"steps": [PLANNED], "changeSummary": {"create": 1, "delete": 2}}))
    code, said = checked(monkeypatch, write(tmp_path), STACK, "--plan", str(plan))
    assert code == 1
    assert f"{FILE} open spec.type: is NodePort: every node answers on its port, without TLS" in said
    assert UNSAVED not in said
    assert said.splitlines()[-1].endswith("on 1 resource of 1 stack, as a saved pulumi preview has them")


REFUSED: dict[str, tuple[Any, str]] = {
    "no file": (None, "cannot be read: no such file or directory"),
    "no JSON": ("Previewing update", "is not JSON"),
    "another document": ({"resources": []}, "is not what pulumi preview --json writes"),
    "a list": ([], "is not what pulumi preview --json writes"),
    "a failed preview": (
        {"steps": [PLANNED], "diagnostics": [{"severity": "error", "message": "no"}]},
        "the preview ended in an error, and what it planned is not all",
    ),
    "a preview of the changes alone": (
        {"steps": [PLANNED], "changeSummary": {"create": 1, "same": 67, "delete": 3}},
        "leaves out 67 resources that stay as they are, and rules look at all of them",
    ),
    "another stack": (
        {"steps": [{**PLANNED, "urn": PLANNED["urn"].replace(STACK, "endy-prod")}]},  # type: ignore[attr-defined]
        f"is of the stack endy-prod, and {STACK} was named",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_whole_preview_of_the_stack_is_refused(
    tmp_path: Path, monkeypatch: Run, case: str
) -> None:
    content, what = REFUSED[case]
    plan = tmp_path / "plan.json"
    if content is not None:
        plan.write_text(content if isinstance(content, str) else json.dumps(content))
    result = slipway(monkeypatch, write(tmp_path), "check", "--policy", STACK, "--plan", str(plan))
    assert isinstance(result.exception, UserError)
    assert result.exception.exit_code == 2
    assert str(result.exception) == (
        f"--plan {plan}: {what}\n"
        f"  → write it anew: pulumi preview --json --show-sames --stack {STACK} > {plan}"
    )


@pytest.mark.parametrize("arguments", [("--plan", "x"), ("--plan", "x", "a-dev", "b-dev")])
def test_a_saved_preview_is_of_one_named_stack(
    tmp_path: Path, monkeypatch: Run, arguments: tuple[str, ...]
) -> None:
    result = slipway(monkeypatch, write(tmp_path), "check", "--policy", *arguments)
    assert result.exit_code == 2
    assert "--plan needs --policy and one stack" in result.output


def test_the_rules_are_imported_without_pulumi() -> None:
    """So that a review of a saved preview is quick."""
    program = (
        "import sys; import infra.policy.check; print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"pulumi", "pulumi_kubernetes", "pulumi_aws", "grpc"} & set(answer.stdout.split()) == set()
