"""Which metrics there are: those of the service by its contract, the rest as recorded from the exporters in
the versions that run (exporters/*.txt)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app import contract
from app.core.metrics import Metrics
from infra.monitoring.recording import RecordingGroup
from infra.paths import ROOT

RECORDED = Path(__file__).parent / "exporters"
EXPORTER = ROOT / "infra" / "backups" / "exporter.py"
HISTOGRAMS = {"api_response_seconds"}
PROMETHEUS_OWN = {"up", "ALERTS", "scrape_duration_seconds", "scrape_samples_post_metric_relabeling"}
WORDS = {
    "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset",
}  # fmt: skip


def of_service() -> set[str]:
    """Names as Prometheus sees them. A metric that is renamed in app/ is renamed in the contract."""
    plain = {name for name in contract.METRICS if name not in HISTOGRAMS}
    return plain | {f"{name}_{end}" for name in HISTOGRAMS for end in ("bucket", "count", "sum")}


def of_process() -> set[str]:
    """What prometheus_client says of any process."""
    lines = Metrics("1", "production").render()[0].decode().splitlines()
    return {line.partition(" ")[0] for line in lines if line.startswith(("process_", "python_"))}


def of_backups() -> set[str]:
    """The names that the exporter's source gives to its families."""
    calls = (node for node in ast.walk(ast.parse(EXPORTER.read_text())) if isinstance(node, ast.Call))
    return {
        str(call.args[0].value)
        for call in calls
        if getattr(call.func, "id", "") == "GaugeMetricFamily" and isinstance(call.args[0], ast.Constant)
    }


def recorded() -> dict[str, set[str]]:
    """Exporter → its names."""
    return {
        path.stem: {line for line in path.read_text().split("\n") if line and not line.startswith("#")}
        for path in RECORDED.glob("*.txt")
    }


def known(recordings: tuple[RecordingGroup, ...]) -> set[str]:
    """All of them, with what the stack records itself."""
    own = {rule.name for group in recordings for rule in group.rules}
    return own.union(of_service(), of_process(), of_backups(), PROMETHEUS_OWN, *recorded().values())


def named(expression: str) -> Iterator[str]:
    """The metrics that a PromQL expression names."""
    text = re.sub(r'"(\\.|[^"\\])*"', "", expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", text)
    for found in re.finditer(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\b(?!\s*\()", text):
        if found[1] not in WORDS:
            yield found[1]


def labels_of(expression: str, metric: str) -> Iterator[set[str]]:
    """The labels by which the series of a metric are chosen, each time that it is named."""
    for found in re.finditer(
        rf"\b{metric}(?:_bucket|_count|_sum)?\{{((?:[^}}\"]|\"[^\"]*\")*)\}}", expression
    ):
        yield set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', found[1]))
