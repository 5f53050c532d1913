"""The judges of rendered pipelines: actionlint with shellcheck, zizmor, the providers' published schemas."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.progress import Progress
from infra.sandbox import tools

KNOWN = {
    "unpinned-images",  # named by tag in the one catalogue of images, which takes digests: infra/images.py
    # Told where a branch is called release/…: only jobs that may read the code and nothing else have a cache
    # (test_workflows.py).
    "cache-poisoning",
}


def written(files: Mapping[str, str], folder: Path) -> list[Path]:
    """The files below a folder, which becomes a repository: actionlint looks for its root."""
    (folder / ".git").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def _said(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def actionlint(paths: list[Path]) -> list[str]:
    """``kind: message`` of each finding, those of shellcheck in the scripts too."""
    program = tools.ensure(["actionlint"], Progress(quiet=True))["actionlint"]
    shellcheck = shutil.which("shellcheck")
    assert shellcheck is not None, "shellcheck is not installed: scripts/bootstrap"
    answer = _said([program, "-no-color", "-shellcheck", shellcheck, "-format", "{{json .}}", *paths])
    assert answer.returncode in {0, 1}, answer.stderr
    return [f"{found['kind']}: {found['message']}" for found in json.loads(answer.stdout)]


def zizmor(paths: list[Path]) -> list[str]:
    """``audit: where`` of each finding, at its strictest."""
    program = Path(sys.executable).with_name("zizmor")
    options = ["--offline", "--no-config", "--persona=pedantic", "--format=json"]
    answer = _said([program, *options, *paths])
    assert answer.stdout, answer.stderr
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return [
        f"{item['ident']}: {item['locations'][0]['symbolic']['annotation']}"
        for item in found
        if item["ident"] not in KNOWN
    ]


def schema(name: str, paths: list[Path], *options: str) -> list[str]:
    """``path: message`` of each contradiction to a schema that check-jsonschema carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{name}"]
    answer = _said([*command, *options, "--output-format", "json", "--verbose", *paths])
    report = json.loads(answer.stdout)
    assert not report.get("parse_errors"), report
    return [f"{error['path']}: {error['message']}" for error in report.get("errors", [])]


def github(paths: list[Path]) -> list[str]:
    """All judges of GitHub's workflows."""
    return [*actionlint(paths), *zizmor(paths), *schema_github(paths)]


def schema_github(paths: list[Path]) -> list[str]:
    """The schema of workflows."""
    return schema("github-workflows", paths)


def gitlab(paths: list[Path]) -> list[str]:
    """GitLab's own schema; its reference tags are resolved first."""
    return schema("gitlab-ci", paths, "--data-transform", "gitlab-ci")


def shellcheck(script: str, dialect: str) -> list[str]:
    """``SC1234: message`` of each finding in a script."""
    command = ["shellcheck", f"--shell={dialect}", "--format=json", "-"]
    answer = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    return [f"SC{found['code']}: {found['message']}" for found in json.loads(answer.stdout)]
