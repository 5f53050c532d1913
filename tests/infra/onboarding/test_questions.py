"""`slipway init` at a terminal: seven questions, defaults taken with Enter, wrong answers refused at once."""

from __future__ import annotations

from infra.settings import check
from tests.infra.onboarding.conftest import LIGHTHOUSE, Machine
from tests.infra.onboarding.terminal import CTRL_C, Terminal

IMAGE = "registry.example/lighthouse/service:1.4.2"


def test_seven_answers_bring_a_team_aboard(machine: Machine) -> None:
    terminal = Terminal(["init"], machine.environment)
    terminal.answer("Team: ", "lighthouse")
    terminal.answer("Modules: ")
    terminal.answer("Where dev goes: ")
    terminal.answer("lighthouse-staging")
    terminal.answer("lighthouse-prod")
    terminal.answer("Image of the service", IMAGE)
    terminal.answer("Domain of prod", "ledger.example.com")
    terminal.see("checked: nothing is wrong")
    assert terminal.end() == 0
    assert machine.names() == [*LIGHTHOUSE, "schema.json"]
    assert check.load("lighthouse-prod", machine.stacks).ingress.hosts == ("ledger.example.com",)
    assert check.load("lighthouse-dev", machine.stacks).cluster.sandbox


def test_a_wrong_answer_is_refused_where_it_is_given(machine: Machine) -> None:
    terminal = Terminal(["init", "--team", "lighthouse", "--module", "ledger"], machine.environment)
    terminal.answer("Where dev goes: ")
    terminal.answer("Context of staging")
    terminal.answer("Context of prod")
    terminal.answer("Image of the service", "service")
    terminal.see("does not have the right form")
    terminal.type(CTRL_C)
    assert terminal.end() == 130
    assert machine.names() == []


def test_files_that_are_there_are_asked_about_before_anything_else(machine: Machine) -> None:
    machine.file("lighthouse-dev").write_text("mine\n")
    terminal = Terminal(["init"], machine.environment)
    terminal.answer("Team: ", "lighthouse")
    terminal.answer("Pulumi.lighthouse-dev.yaml: there already. Replace", "n")
    assert terminal.end() == 1
    assert "nothing was written" in terminal.seen
    assert machine.file("lighthouse-dev").read_text() == "mine\n"


def test_a_yes_replaces_them_and_keeps_the_old(machine: Machine) -> None:
    machine.file("lighthouse-dev").write_text("mine\n")
    flags = ["--image", IMAGE, "--module", "ledger", "--domain", ""]
    contexts = ["--dev-context", "sandbox", "--staging-context", "a", "--prod-context", "b"]
    terminal = Terminal(["init", "--team", "lighthouse", *flags, *contexts], machine.environment)
    terminal.answer("there already. Replace", "y")
    assert terminal.end() == 0, terminal.seen
    assert (machine.stacks / "Pulumi.lighthouse-dev.yaml.bak").read_text() == "mine\n"


def test_with_yes_nothing_is_asked(machine: Machine) -> None:
    terminal = Terminal(["init", "--yes", "--team", "lighthouse", "--image", IMAGE], machine.environment)
    assert terminal.end() == 0, terminal.seen
    assert machine.names() == [*LIGHTHOUSE, "schema.json"]


def test_a_broken_answers_file_is_told_before_anything_is_asked(machine: Machine) -> None:
    file = machine.root / "answers.yaml"
    file.write_text("modles: [ledger]\n")
    terminal = Terminal(["init", "--answers", str(file)], machine.environment)
    assert terminal.end() == 2
    assert "1:1 modles: unknown key; did you mean modules?" in terminal.seen
    assert "Team" not in terminal.seen
