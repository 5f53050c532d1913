"""Prometheus' own test runner on rendered rules: series over time in, alerts out."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

INTERVAL = "1m"


@dataclass(frozen=True)
class Scenario:
    """Series (as promtool writes them: ``0+60x90``), the minute to look at, and the alerts that fire then,
    whose ``labels`` are those of the series."""

    series: Mapping[str, str]
    minute: int
    firing: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: {"namespace": "ledger"})


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
