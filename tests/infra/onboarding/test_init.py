"""`slipway init` with the real Pulumi CLI: from answers into an empty folder, and what it refuses."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from infra.sandbox import tools
from infra.settings import check
from infra.settings.secrets import SecretName
from tests.infra.onboarding.conftest import LIGHTHOUSE, Machine

STACKS = ("lighthouse-dev", "lighthouse-staging", "lighthouse-prod")
SPY = """\
#!/bin/sh
{ tr '\\0' '\\n' < /proc/$$/cmdline; env; } >> "$SPY_LOG"
exec "$SPY_PULUMI" "$@"
"""


def test_three_files_and_the_schema_are_written_and_nothing_else(aboard: Machine) -> None:
    assert aboard.names() == [*LIGHTHOUSE, "schema.json"]


def test_each_file_has_between_10_and_25_lines_and_begins_with_the_editors_line(aboard: Machine) -> None:
    for name in LIGHTHOUSE:
        lines = (aboard.stacks / name).read_text().splitlines()
        assert lines[0] == "# yaml-language-server: $schema=./schema.json"
        assert 10 <= len(lines) <= 25


@pytest.mark.parametrize("stack", STACKS)
def test_the_check_finds_nothing_wrong_and_names_what_is_left_to_say(aboard: Machine, stack: str) -> None:
    report = check.examine(stack, aboard.stacks)
    assert report.errors == ()
    left = (
        ["alerts-told-to-nobody"] if stack == "lighthouse-prod" else []
    )  # only prod is watched from the start
    assert [note.rule for note in report.notes] == left


def test_dev_goes_to_the_sandbox_and_the_others_to_their_contexts(aboard: Machine) -> None:
    settings = [check.load(stack, aboard.stacks) for stack in STACKS]
    assert [found.cluster.sandbox for found in settings] == [True, False, False]
    assert [found.cluster.context for found in settings] == [None, "lighthouse-staging", "lighthouse-prod"]
    assert [found.ingress.hosts for found in settings] == [
        (), ("staging.ledger.example.com",), ("ledger.example.com",)
    ]  # fmt: skip
    assert {found.images.service for found in settings[1:]} == {"registry.example/lighthouse/service:1.4.2"}


def test_every_secret_of_every_stack_is_another_and_plain_pulumi_reads_it(aboard: Machine) -> None:
    values = [value for stack in STACKS for value in aboard.secrets(stack).values()]
    assert len(values) == len(set(values)) == 13
    assert {len(value) for value in values} == {43}


def test_only_dev_has_a_development_token(aboard: Machine) -> None:
    assert [SecretName.DEV_TOKEN.value in aboard.secrets(stack) for stack in STACKS] == [True, False, False]


def test_every_secret_has_its_date(aboard: Machine) -> None:
    config = aboard.config("lighthouse-dev")
    secrets, dates = config["slipway:secrets"], config["slipway:rotated"]
    assert isinstance(secrets, dict)
    assert isinstance(dates, dict)
    assert list(secrets) == list(dates)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in dates.values())


def test_the_passphrase_is_made_for_its_owner_only(aboard: Machine) -> None:
    mode = (aboard.root / "state" / "slipway" / "passphrase").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_no_value_is_in_an_argument_list_an_environment_a_file_or_the_output(machine: Machine) -> None:
    spy, log = machine.root / "bin" / "pulumi", machine.root / "log"
    spy.parent.mkdir()
    spy.write_text(SPY)
    spy.chmod(0o755)
    machine.extra = {
        "PATH": f"{spy.parent}:{machine.environment['PATH']}",
        "SPY_LOG": str(log),
        "SPY_PULUMI": str(tools.tool("pulumi")),
    }
    answer = machine.init()
    assert answer.returncode == 0, answer.stderr
    values = [value for stack in STACKS for value in machine.secrets(stack).values()]
    texts = [answer.stdout, answer.stderr, log.read_text()]
    texts += [path.read_text() for path in machine.stacks.iterdir()]
    assert "config\nset\n--path\n--secret" in log.read_text()
    assert [value for value in values for text in texts if value in text] == []


def test_the_end_names_files_check_and_next_commands(machine: Machine) -> None:
    said = machine.init().stdout
    folder = f"--stacks {machine.stacks}"
    assert f"wrote {machine.file('lighthouse-dev')} (19 lines)" in said
    assert "lighthouse-prod: context lighthouse-prod, https://ledger.example.com (cert-manager issuer" in said
    assert "checked: nothing is wrong" in said
    assert f"slipway {folder} check --all" in said
    assert f"slipway {folder} preview lighthouse-dev" in said


def test_a_second_run_names_every_file_that_is_there_and_changes_nothing(aboard: Machine) -> None:
    before = [(aboard.stacks / name).read_bytes() for name in LIGHTHOUSE]
    answer = aboard.init()
    assert answer.returncode == 1
    assert answer.stderr == "".join(
        f"{aboard.file(stack)}: is there already, and nothing is overwritten unasked\n  → use --force\n"
        for stack in STACKS
    )
    assert [(aboard.stacks / name).read_bytes() for name in LIGHTHOUSE] == before


def test_one_file_that_is_there_stops_all_three(machine: Machine) -> None:
    machine.file("lighthouse-prod").write_text("mine\n")
    assert machine.init().returncode == 1
    assert machine.names() == ["Pulumi.lighthouse-prod.yaml"]
    assert machine.file("lighthouse-prod").read_text() == "mine\n"


def test_force_replaces_and_keeps_every_old_file(machine: Machine) -> None:
    machine.file("lighthouse-prod").write_text("first\n")
    assert (
        "(18 lines; the old one is kept as Pulumi.lighthouse-prod.yaml.bak)" in machine.init("--force").stdout
    )
    second = machine.file("lighthouse-prod").read_text()
    assert machine.init("--force").returncode == 0
    kept = [machine.stacks / f"Pulumi.lighthouse-prod.yaml.bak{number}" for number in ("", "2")]
    assert [path.read_text() for path in kept] == ["first\n", second]
    assert check.examine("lighthouse-prod", machine.stacks).errors == ()


def test_a_secret_that_someone_else_issues_is_named_with_its_command(machine: Machine) -> None:
    answer = machine.slipway(
        "init", "--team", "helpers", "--module", "assistant", "--image", "registry.example/helpers:1"
    )
    assert answer.returncode == 0, answer.stderr
    assert "checked; still to be set:" in answer.stdout
    assert answer.stdout.count("secrets set openaiApiKey helpers-") == 3
    assert check.load("helpers-dev", machine.stacks, secrets=False).cluster.context == "helpers-dev"


def test_another_folders_own_profiles_are_used(machine: Machine) -> None:
    (machine.stacks / "profiles").mkdir()
    (machine.stacks / "profiles" / "prod.yaml").write_text("service: {replicas: 3.5}\n")
    answer = machine.init()
    assert answer.returncode == 2
    assert f"{machine.stacks}/profiles/prod.yaml:1:11 service.replicas: 3.5 is a fraction" in answer.stderr
    assert machine.names() == ["profiles"]


def test_a_folder_that_cannot_be_written_is_told(machine: Machine, tmp_path: Path) -> None:
    machine.extra = {"SLIPWAY_STACKS": "/proc"}
    answer = machine.init()
    assert answer.returncode == 1
    assert answer.stderr.startswith("/proc: cannot be worked in: ")


def test_everything_missing_is_told_at_once_where_nobody_can_be_asked(machine: Machine) -> None:
    answer = machine.slipway("init")
    assert answer.returncode == 2
    assert answer.stderr == (
        "team: is not answered, and nobody can be asked here\n"
        "  → add --team ledger, or the key in --answers FILE. "
        "Team: lower-case letters, digits and hyphens.\n"
        "image: is not answered, and nobody can be asked here\n"
        "  → add --image registry.example/team/service:1.4.2, or the key in --answers FILE. "
        "Image of the service with tag or digest, for all but the sandbox.\n"
    )
    assert machine.names() == []


def test_a_passphrase_of_the_users_own_is_used_and_no_other_is_made(machine: Machine) -> None:
    machine.extra = {"PULUMI_CONFIG_PASSPHRASE": "a passphrase of mine"}
    answer = machine.init()
    assert "encrypted with the passphrase in PULUMI_CONFIG_PASSPHRASE\n" in answer.stdout
    assert not (machine.root / "state").exists()
    assert len(machine.secrets("lighthouse-prod")) == 4


def test_the_schema_of_the_folder_is_the_projects(aboard: Machine) -> None:
    assert json.loads((aboard.stacks / "schema.json").read_text())["title"] == "slipway stack file"


def test_a_folder_with_a_difficult_name_is_no_difficulty(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "my stacks #1 100% ünï?")
    assert machine.init().returncode == 0
    assert machine.slipway("secrets", "rotate", "secretKey", "lighthouse-dev").returncode == 0
