"""The reports of `slipway check` as SARIF 2.1.0 (OASIS), which code-scanning tools read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from infra.cli import formats
from infra.settings.check import Report
from infra.settings.flaw import Flaw, Level
from infra.settings.rules.named import NOTES, RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT_NAME = "%SRCROOT%"  # what a relative uri is relative to: the checkout's root
Known = Mapping[str, tuple[str, Level]]  # a rule's name → what it asks, and whether it stops a stack
OF_FILES: Known = {
    name: (asked, Level.NOTE if name in NOTES else Level.ERROR) for name, asked in RULES.items()
}


def log(reports: Sequence[Report], more: Known = MappingProxyType({})) -> str:
    """The whole SARIF log as JSON, with every rule on stack files and ``more``, and one result for each
    flaw."""
    known = {**OF_FILES, **more}
    ids = list(known)
    driver = {
        "name": "slipway",
        "version": version("slipway-iac"),
        "rules": [_rule(name, *told) for name, told in known.items()],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(flaw, ids.index(flaw.rule), stacks) for flaw, stacks in formats.shared(reports).items()
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(name: str, asked: str, level: Level) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": asked},
        "defaultConfiguration": {"level": level.value},
    }


def _result(flaw: Flaw, index: int, stacks: Sequence[str]) -> dict[str, Any]:
    said = f"{flaw.key or flaw.file}: {flaw.what}\n→ {flaw.remedy}"
    result: dict[str, Any] = {
        "ruleId": flaw.rule,
        "ruleIndex": index,
        "level": flaw.level.value,
        "message": {"text": said},
        "properties": {"stacks": list(stacks)},
    }
    if formats.is_of_a_file(flaw):
        result["locations"] = [_location(flaw)]
    return result


def _location(flaw: Flaw) -> dict[str, Any]:
    """A flaw of a file as a whole stands in its first line: code scanning shows none without a line."""
    path = Path(flaw.file)
    artifact = (
        {"uri": path.as_uri()} if path.is_absolute() else {"uri": quote(flaw.file), "uriBaseId": ROOT_NAME}
    )
    region = {"startLine": flaw.line or 1, "startColumn": flaw.column or 1}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact, "region": region}}
    if flaw.key:
        location["logicalLocations"] = [{"fullyQualifiedName": flaw.key, "kind": "member"}]
    return location
