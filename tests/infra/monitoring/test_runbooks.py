"""Each alert has a runbook; its commands and queries are real, and what is looked at changes nothing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from infra.monitoring import catalogue
from infra.paths import ROOT
from infra.render import runbooks
from infra.render.validate import RenderError
from tests import pages
from tests.infra.monitoring import metrics, promtool, stacks

pytestmark = pytest.mark.unit
FOLDER = ROOT / "docs" / "runbooks"
ALERTS = sorted({**catalogue.alerts(stacks.full()), **catalogue.alerts(stacks.sandbox())})
READING = {"get", "describe", "logs", "rollout status", "exec"}
CHANGING = re.compile(r"\b(delete|drop|truncate|update|insert|alter|terminate|rm|kill)\b", re.IGNORECASE)
# Of slipway: what only looks.
LOOKING = {"status", "explain", "check", "backup status", "backup list", "backup verify", "secrets list"}
LOOKING |= {"sandbox status", "logs"}


def lines(name: str, kind: str, heading: str | None = None) -> list[str]:
    """The lines of the fenced blocks of a kind, below one heading or everywhere."""
    found = pages.blocks((runbooks.TEXTS / f"{name}.md").read_text())
    wanted = (block for block in found if block.kind == kind and heading in (None, block.heading))
    return [line for block in wanted for line in block.text.splitlines()]


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README") == ALERTS


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_says_what_it_means_where_to_look_and_to_whom_it_goes(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Meaning", "First look", "Causes", "Fix", "Escalation"
    ]  # fmt: skip
    assert lines(name, "promql", "First look"), "a query to look with"
    assert lines(name, "sh", "First look"), "a command to look with"


@pytest.mark.parametrize("name", ALERTS)
def test_every_query_is_promql_about_metrics_that_exist(name: str, tmp_path: Path) -> None:
    queries = lines(name, "promql")
    rules = [{"record": f"query:{index}", "expr": query} for index, query in enumerate(queries)]
    promtool.check(tmp_path, yaml.safe_dump({"groups": [{"name": name, "rules": rules}]}))
    there = metrics.known(catalogue.recordings(stacks.full()))
    assert {each for query in queries for each in metrics.named(query)} - there == set()


@pytest.mark.parametrize("name", ALERTS)
def test_every_slipway_command_is_one_that_there_is(name: str) -> None:
    for line in lines(name, "sh"):
        words = shlex.split(line)
        if words[0] == "slipway":
            pages.require_parsing(words[1:])
        else:
            assert words[0] == "kubectl", line


@pytest.mark.parametrize("name", ALERTS)
def test_what_is_looked_at_first_changes_nothing(name: str) -> None:
    for line in lines(name, "sh", "First look"):
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
