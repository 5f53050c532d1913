"""Prometheus' own test runner on rendered rules: series over time in, alerts out."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

INTERVAL = "1m"


@dataclass(frozen=True)
class Scenario:
    """Series (as promtool writes them: ``0+60x90``), the minute to look at, and the alerts that fire then,
    whose ``labels`` are those of the series."""

    series: Mapping[str, str]
    minute: int
    firing: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: {"namespace": "example-dev"})


def check(folder: Path, rules: str) -> None:
    """promtool must take the file, every rule of it."""
    file = folder / "rules.yaml"
    file.write_text(rules, encoding="utf-8")
    _promtool("check", "rules", str(file))


def firing(folder: Path, rules: str, names: list[str], scenario: Scenario) -> None:
    """Exactly ``scenario.firing`` fires, once each, and every other of ``names`` is silent."""
    check(folder, rules)
    series = [{"series": name, "values": values} for name, values in scenario.series.items()]
    written = {rule["alert"]: rule for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]}
    tests = [
        {
            "eval_time": f"{scenario.minute}m",
            "alertname": name,
            "exp_alerts": [_expected(written[name], scenario)] if name in scenario.firing else [],
        }
        for name in names
    ]
    text = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": INTERVAL,
        "tests": [{"interval": INTERVAL, "input_series": series, "alert_rule_test": tests}],
    }
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(text), encoding="utf-8")
    _promtool("test", "rules", str(file))


@dataclass(frozen=True)
class Moment:
    """``at``: a moment in seconds; ``firing``: alert and namespace (None without one) → how often it fires
    then. With ``of`` only that alert is looked at."""

    at: int
    firing: Mapping[tuple[str, str | None], int]
    of: str | None = None


def moments(
    folder: Path, rules: str, step: int, series: Sequence[Mapping[str, str]], found: Sequence[Moment]
) -> None:
    """At each moment exactly those alerts fire, so often. ``step``: seconds between two scrapes."""
    _tested(folder, rules, step, series, [_firing_at(moment) for moment in found])


def value(
    folder: Path,
    rules: str,
    step: int,
    series: Sequence[Mapping[str, str]],
    asked: tuple[int, str],
    wanted: float,
) -> None:
    """At a second of time a query has this one value, without labels. ``asked``: second and query."""
    at, query = asked
    sample = {"labels": "{}", "value": wanted}
    test = {"expr": query, "eval_time": f"{at}s", "exp_samples": [sample]}
    _tested(folder, rules, step, series, [test])


def _tested(
    folder: Path, rules: str, step: int, series: Sequence[Mapping[str, str]], asked: list[dict[str, Any]]
) -> None:
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    test = {"interval": f"{step}s", "input_series": list(series), "promql_expr_test": asked}
    text = {"rule_files": ["rules.yaml"], "evaluation_interval": f"{step}s", "tests": [test]}
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(text), encoding="utf-8")
    _promtool("test", "rules", str(file))


def _firing_at(moment: Moment) -> dict[str, Any]:
    one = f',alertname="{moment.of}"' if moment.of else ""
    return {
        "expr": f'count by (alertname, namespace) (ALERTS{{alertstate="firing"{one}}})',
        "eval_time": f"{moment.at}s",
        "exp_samples": [
            {"labels": _labels(name, namespace), "value": count}
            for (name, namespace), count in moment.firing.items()
        ],
    }


def _labels(name: str, namespace: str | None) -> str:
    here = f', namespace="{namespace}"' if namespace else ""
    return f'{{alertname="{name}"{here}}}'


def without_annotations(rules: str) -> str:
    """The rules with their conditions alone: promtool compares annotations to the letter, values included."""
    data = yaml.safe_load(rules)
    for group in data["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations")
    return yaml.safe_dump(data)


def _expected(rule: dict[str, dict[str, str]], scenario: Scenario) -> dict[str, dict[str, str]]:
    return {"exp_labels": {**rule["labels"], **scenario.labels}}


def _promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"promtool {' '.join(arguments)}: {done.stdout}{done.stderr}"
