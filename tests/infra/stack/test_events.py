"""What is told of a run of Pulumi that failed: each resource's error, by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.engine import events

pytestmark = pytest.mark.unit
STACK = "urn:pulumi:ledger-dev::slipway::pulumi:pulumi:Stack::slipway-ledger-dev"
JOB = "urn:pulumi:ledger-dev::slipway::slipway:index:Service$kubernetes:batch/v1:Job::service-checks-job"


def line(urn: str, message: str, severity: str = "error") -> str:
    return json.dumps(
        {"sequence": 1, "diagnosticEvent": {"urn": urn, "message": message, "severity": severity}}
    )


def told(folder: Path, *lines: str) -> tuple[str, ...]:
    log = folder / "events.json"
    log.write_text("\n".join(lines), encoding="utf-8")
    return events.errors(log)


def test_an_error_is_told_once_by_the_name_of_its_resource_without_colours(tmp_path: Path) -> None:
    error = line(JOB, "<{%reset%}>error: 3 of 100 answers failed<{%reset%}>\n")
    assert told(tmp_path, error, error) == ("service-checks-job: 3 of 100 answers failed",)


def test_warnings_other_events_and_the_stacks_own_words_are_no_reasons(tmp_path: Path) -> None:
    others = (
        '{"sequence": 0, "preludeEvent": {}}',
        line(JOB, "slow", "warning"),
        line(STACK, "update failed"),
    )
    assert told(tmp_path, *others, line("", "no resource")) == ()


def test_a_line_that_a_kill_cut_off_is_passed_over(tmp_path: Path) -> None:
    assert told(tmp_path, line(JOB, "broken"), '{"sequence": 2, "diagn') == ("service-checks-job: broken",)


def test_a_run_that_wrote_nothing_has_no_reasons(tmp_path: Path) -> None:
    assert events.errors(tmp_path / "events.json") == ()
