"""`slipway check`: every stack of the folder, four formats, exit codes, and nothing heavy imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from infra.cli import formats, sarif
from infra.errors import UserError
from infra.settings import check
from infra.settings.flaw import Flaw, Level
from infra.settings.rules.named import RULES
from tests.bench import checking
from tests.infra.layered import slipway
from tests.infra.settings.broken_files import SECRETS, SOUND, filled

pytestmark = pytest.mark.unit
Run = pytest.MonkeyPatch
BROKEN = SOUND + "  slipway:service: {replicsa: 3}\n" + SECRETS
UNKNOWN = (
    "Pulumi.endy-dev.yaml:4:21 slipway:service.replicsa: unknown key; did you mean replicas?\n  → known keys"
)


def stacks(folder: Path, **files: str) -> Path:
    """``endy_dev="…"`` becomes Pulumi.endy-dev.yaml; profiles are the project's own."""
    for name, text in files.items():
        (folder / f"Pulumi.{name.replace('_', '-')}.yaml").write_text(text, encoding="utf-8")
    return folder


def checked(monkeypatch: Run, folder: Path, *arguments: str) -> tuple[int, str]:
    result = slipway(monkeypatch, folder, "check", *arguments)
    return result.exit_code, result.output.replace(f"{folder}/", "")


def test_sound_stacks_are_counted_and_the_exit_code_is_0(tmp_path: Path, monkeypatch: Run) -> None:
    told = '  slipway:monitoring: {receivers: {slack: {channel: "#alerts"}}}\n'
    told += "  slipway:network: {callers: [shop-prod]}\n"
    production = SOUND + told + filled("<secrets-with-slackWebhookUrl>\n", "ledger-prod")
    folder = stacks(tmp_path, endy_dev=SOUND + SECRETS, ledger_prod=production)
    code, said = checked(monkeypatch, folder)
    assert (code, said.partition(" (")[0]) == (0, "2 stacks are sound")
    assert checked(monkeypatch, folder, "--all")[0] == 0
    assert checked(monkeypatch, folder, "endy-dev")[1].startswith("1 stack is sound (")


def test_a_production_stack_whose_alerts_nobody_hears_is_sound_and_told_so(
    tmp_path: Path, monkeypatch: Run
) -> None:
    folder = stacks(tmp_path, ledger_prod=SOUND + filled("<secrets>\n", "ledger-prod"))
    code, said = checked(monkeypatch, folder)
    assert code == 0
    assert "note: monitoring.enabled is true and nobody is named who hears of an alert" in said


def test_what_the_operator_has_itself_is_told_where_the_stacks_own_file_sets_it(
    tmp_path: Path, monkeypatch: Run
) -> None:
    own = "  slipway:monitoring: {operator: true, storage: 64Gi, prometheus_resources: {cpu_request: 1}}\n"
    own = own.replace("cpu_request: 1", 'cpu_request: "1"')
    folder = stacks(tmp_path, ledger_prod=SOUND + own + filled("<secrets>\n", "ledger-prod"))
    code, said = checked(monkeypatch, folder)
    assert code == 0
    notes = [line for line in said.splitlines() if "note: does nothing here: monitoring.operator" in line]
    # The profile's retention stays unsaid: it is for all stacks of production.
    assert len(notes) == 2
    assert "monitoring.storage" in notes[0] or "monitoring.prometheus_resources" in notes[0]


def test_problems_are_shown_with_their_places_and_the_exit_code_is_1(
    tmp_path: Path, monkeypatch: Run
) -> None:
    code, said = checked(monkeypatch, stacks(tmp_path, endy_dev=BROKEN, uvis_dev=SOUND + SECRETS))
    assert code == 1
    assert said.startswith(UNKNOWN)
    assert said.splitlines()[-1].startswith("2 stacks checked, 1 problem in 1 of them (")


def test_the_text_is_the_one_that_pulumi_up_shows(tmp_path: Path, monkeypatch: Run) -> None:
    folder = stacks(tmp_path, endy_dev=BROKEN.replace("replicsa: 3", "replicsa: 3, replicas: 0"))
    with pytest.raises(UserError) as refused:
        check.load("endy-dev", folder)
    assert str(refused.value).replace(f"{folder}/", "") in checked(monkeypatch, folder)[1]


def test_one_named_stack_is_checked_alone(tmp_path: Path, monkeypatch: Run) -> None:
    folder = stacks(tmp_path, endy_dev=BROKEN, uvis_dev=SOUND + SECRETS)
    assert checked(monkeypatch, folder, "uvis-dev")[0] == 0


def test_an_unknown_stack_is_told_with_the_one_that_was_meant(tmp_path: Path, monkeypatch: Run) -> None:
    folder = stacks(tmp_path, endy_dev=SOUND + SECRETS)
    code, said = checked(monkeypatch, folder, "endi-dev", "endy-dve")
    assert code == 1
    assert "Pulumi.endi-dev.yaml: does not exist; did you mean endy-dev?" in said
    assert "env one of dev, staging, prod; did you mean endy-dev?" in said


def test_all_finds_files_whose_names_are_no_stacks(tmp_path: Path, monkeypatch: Run) -> None:
    code, said = checked(monkeypatch, stacks(tmp_path, foo=SOUND + SECRETS), "--all")
    assert code == 1
    assert said.startswith('Pulumi.foo.yaml: "foo": the name is neither sandbox nor <team>-<env>')


def test_a_file_with_the_ending_yml_is_no_stack_file(tmp_path: Path, monkeypatch: Run) -> None:
    stacks(tmp_path, endy_dev=SOUND + SECRETS).joinpath("Pulumi.uvis-dev.yml").write_text(SOUND + SECRETS)
    code, said = checked(monkeypatch, tmp_path)
    assert code == 1
    assert said.startswith(
        "Pulumi.uvis-dev.yaml: does not exist, and Pulumi.uvis-dev.yml is not read\n"
        "  → rename it to Pulumi.uvis-dev.yaml\n"
    )


def test_a_folder_without_stack_files_is_exit_code_2(tmp_path: Path, monkeypatch: Run) -> None:
    result: Result = slipway(monkeypatch, tmp_path, "check")
    assert isinstance(result.exception, UserError)
    assert result.exception.exit_code == 2
    assert str(result.exception) == f"{tmp_path}: holds no stack file\n  → write one: slipway init"


@pytest.mark.parametrize("arguments", [("endy-dev", "--all"), ("--format", "xml"), ("--nonsense",)])
def test_wrong_usage_is_exit_code_2(tmp_path: Path, monkeypatch: Run, arguments: tuple[str, ...]) -> None:
    assert checked(monkeypatch, tmp_path, *arguments)[0] == 2


def test_a_problem_of_a_profile_is_shown_once_with_the_stacks_it_hits(
    tmp_path: Path, monkeypatch: Run
) -> None:
    folder = stacks(tmp_path, endy_dev=SOUND + SECRETS, uvis_dev=SOUND + SECRETS)
    (folder / "profiles").mkdir()
    (folder / "profiles" / "dev.yaml").write_text("service: {environment: development, log_level: LOUD}\n")
    said = checked(monkeypatch, folder)[1]
    assert said.count("LOUD") == 1
    assert "\n  concerns endy-dev, uvis-dev\n" in said
    assert "2 stacks checked, " in said
    assert " in 2 of them (" in said


def test_a_note_is_shown_and_stops_nothing(tmp_path: Path, monkeypatch: Run) -> None:
    text = filled("<sound>\n  slipway:backups: {enabled: true, bucket: endy-backups}\n<secrets>\n")
    code, said = checked(monkeypatch, stacks(tmp_path, endy_dev=text))
    assert code == 0
    assert said.startswith("Pulumi.endy-dev.yaml:4:21 slipway:backups.enabled: note: backups.store.kind")
    assert "1 stack is sound" in said


def test_json_has_its_documented_form(tmp_path: Path, monkeypatch: Run) -> None:
    folder = stacks(tmp_path, endy_dev=BROKEN, uvis_dev=SOUND + SECRETS)
    found = json.loads(checked(monkeypatch, folder, "--format", "json")[1])
    (flaw,) = found["stacks"][0].pop("errors")
    assert found == {
        "version": 1,
        "stacks": [
            {"stack": "endy-dev", "sound": False, "notes": []},
            {"stack": "uvis-dev", "sound": True, "errors": [], "notes": []},
        ],
    }
    assert flaw.pop("remedy").startswith("known keys here: replicas, ")
    assert flaw == {
        "file": "Pulumi.endy-dev.yaml",
        "rule": "unknown-key",
        "what": "unknown key; did you mean replicas?",
        "line": 4,
        "column": 21,
        "key": "slipway:service.replicsa",
        "value": None,
        "level": "error",
    }


def report(**values: Any) -> list[check.Report]:
    flaw = Flaw(**{"file": "stacks/a,b:c.yaml", "rule": "wrong-form", "what": "w", "remedy": "r", **values})
    errors = (flaw,) if flaw.level is Level.ERROR else ()
    return [check.Report("endy-dev", None, errors, () if errors else (flaw,))]


def test_a_workflow_command_is_escaped_as_github_documents_it() -> None:
    found = formats.github(
        report(line=3, column=5, key="a:b,c", what="75 %\r\n::x", remedy="do: this, that"), 0
    )
    assert found.splitlines()[0] == (
        "::error file=stacks/a%2Cb%3Ac.yaml,line=3,col=5,title=wrong-form a%3Ab%2Cc"
        "::a:b,c: 75 %25%0D%0A::x%0A→ do: this, that"
    )


def test_a_note_is_a_notice_and_a_whole_file_has_no_line() -> None:
    found = formats.github(report(level=Level.NOTE), 0)
    assert (
        found.splitlines()[0]
        == "::notice file=stacks/a%2Cb%3Ac.yaml,title=wrong-form::stacks/a,b:c.yaml: w%0A→ r"
    )


def test_github_gets_one_command_for_each_problem(tmp_path: Path, monkeypatch: Run) -> None:
    said = checked(monkeypatch, stacks(tmp_path, endy_dev=BROKEN), "--format", "github")[1].splitlines()
    assert said[0].startswith("::error file=Pulumi.endy-dev.yaml,line=4,col=21,title=unknown-key slipway%3A")
    assert said[1].startswith("1 stack checked, 1 problem (")


def test_sarif_has_what_the_standard_requires(tmp_path: Path, monkeypatch: Run) -> None:
    (run,) = sarif_log(monkeypatch, stacks(tmp_path, endy_dev=BROKEN))["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "slipway"
    assert {rule["id"]: rule["shortDescription"]["text"] for rule in driver["rules"]} == dict(RULES)
    (result,) = run["results"]
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "unknown-key"
    assert (result["level"], result["properties"]) == ("error", {"stacks": ["endy-dev"]})
    (location,) = result["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 21}
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "slipway:service.replicsa"


def sarif_log(monkeypatch: Run, folder: Path) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(checked(monkeypatch, folder, "--format", "sarif")[1])
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("/sarif-schema-2.1.0.json")
    return log


def test_a_sarif_uri_is_relative_to_the_checkout_and_encoded() -> None:
    (result,) = json.loads(sarif.log(report(file="stacks/Pulumi.é b.yaml")))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "stacks/Pulumi.%C3%A9%20b.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1, "startColumn": 1},
    }


def test_sarif_gives_a_name_that_is_no_stacks_no_place() -> None:
    (result,) = json.loads(sarif.log(report(file="stack 'foo'", rule="stack-name")))["runs"][0]["results"]
    assert "locations" not in result


def test_what_is_no_regular_file_is_a_message(tmp_path: Path, monkeypatch: Run) -> None:
    os.mkfifo(tmp_path / "Pulumi.endy-dev.yaml")
    (tmp_path / "Pulumi.uvis-dev.yaml").mkdir()
    code, said = checked(monkeypatch, tmp_path)
    assert code == 1
    assert "Pulumi.endy-dev.yaml: is not a regular file\n" in said
    assert "Pulumi.uvis-dev.yaml: is a folder, and a file is wanted\n" in said


def test_the_check_starts_without_pulumi_and_http_clients(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from infra.cli import verbs, check, formats, sarif\n"
        "reports = check.examined(['sandbox'])\n"
        "check.written(reports, check.Format.TEXT, 0), check.written(reports, check.Format.SARIF, 0)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {
        "pulumi",
        "pulumi_kubernetes",
        "grpc",
        "httpx",
        "urllib3",
        "kubernetes",
        "cryptography",
        "jinja2",
    }
    assert heavy & set(answer.stdout.split()) == set()


def test_more_than_twenty_stacks_take_less_than_a_second(tmp_path: Path) -> None:
    names = checking.folder(tmp_path)
    begun = time.process_time()  # this process alone, whatever else the machine does
    reports = [check.examine(name, tmp_path) for name in names]
    assert time.process_time() - begun < 1
    assert len(reports) == 21
    assert not any(found.errors for found in reports)
