"""Each alert has a runbook; its commands and queries are real, and what is looked at changes nothing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from infra.cli import app, verbs
from infra.monitoring import catalogue
from infra.paths import ROOT
from infra.render import runbooks
from infra.render.validate import RenderError
from tests.infra.monitoring import metrics, promtool, stacks

pytestmark = pytest.mark.unit
FOLDER = ROOT / "docs" / "runbooks"
ALERTS = sorted({**catalogue.alerts(stacks.full()), **catalogue.alerts(stacks.sandbox())})
READING = {"get", "describe", "logs", "rollout status", "exec"}
CHANGING = re.compile(r"\b(delete|drop|truncate|update|insert|alter|terminate|rm|kill)\b", re.IGNORECASE)
# Of slipway: what only looks.
LOOKING = {"status", "explain", "check", "backup status", "backup list", "backup verify", "secrets list"}
LOOKING |= {"sandbox status", "logs"}


@pytest.fixture(scope="module")
def slipway() -> Any:
    if not app.registered_commands:
        verbs.register(app)
    return typer.main.get_command(app)


def blocks(name: str, kind: str, heading: str | None = None) -> list[str]:
    """The lines of the fenced blocks of a kind, below one heading or everywhere."""
    text = (runbooks.TEXTS / f"{name}.md").read_text()
    if heading:
        text = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in found for line in block.splitlines()]


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README") == ALERTS


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_says_what_it_means_where_to_look_and_to_whom_it_goes(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Meaning", "First look", "Causes", "Fix", "Escalation"
    ]  # fmt: skip
    assert blocks(name, "promql", "First look"), "a query to look with"
    assert blocks(name, "sh", "First look"), "a command to look with"


@pytest.mark.parametrize("name", ALERTS)
def test_every_query_is_promql_about_metrics_that_exist(name: str, tmp_path: Path) -> None:
    queries = blocks(name, "promql")
    rules = [{"record": f"query:{index}", "expr": query} for index, query in enumerate(queries)]
    promtool.check(tmp_path, yaml.safe_dump({"groups": [{"name": name, "rules": rules}]}))
    there = metrics.known(catalogue.recordings(stacks.full()))
    assert {each for query in queries for each in metrics.named(query)} - there == set()


@pytest.mark.parametrize("name", ALERTS)
def test_every_slipway_command_is_one_that_there_is(name: str, slipway: Any) -> None:
    for line in blocks(name, "sh"):
        words = shlex.split(line)
        if words[0] == "slipway":
            _parses(slipway, words[1:], line)
        else:
            assert words[0] == "kubectl", line


def _parses(command: Any, words: list[str], line: str) -> None:
    while commands := getattr(command, "commands", None):
        assert words[0] in commands, f"no such command: {line}"
        command, words = commands[words[0]], words[1:]
    options = {option for param in command.params for option in param.opts if option.startswith("-")}
    assert {word for word in words if word.startswith("-")} <= options | {"--help"}, line
    wanted = sum(param.required for param in command.params if param.param_type_name == "argument")
    plain = [word for word in words if not word.startswith("-")]
    assert len(plain) >= wanted, f"lacks an argument: {line}"


@pytest.mark.parametrize("name", ALERTS)
def test_what_is_looked_at_first_changes_nothing(name: str) -> None:
    for line in blocks(name, "sh", "First look"):
        words = [word for word in shlex.split(line) if word not in {"-n", "NAMESPACE", "NAMESPACE-logs"}]
        verb = " ".join(words[1:3])
        allowed = LOOKING if words[0] == "slipway" else READING
        assert words[1] in allowed or verb in allowed, line
        assert not CHANGING.search(line), line


def test_an_alert_without_text_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runbooks, "TEXTS", tmp_path)
    with pytest.raises(RenderError, match=r"templates/runbooks/\w+\.md: is missing"):
        runbooks.files([stacks.full()])


def test_a_text_without_its_alert_is_refused() -> None:
    with pytest.raises(RenderError, match="no alert has this name"):
        runbooks.files([stacks.sandbox()])
