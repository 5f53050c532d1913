"""A machine of its own, with a stand-in for the Pulumi CLI that writes down how it was called."""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra import paths
from infra.engine import cli, passphrase
from infra.progress import Progress
from infra.sandbox import tools

QUIET = Progress(quiet=True)
FAKE = """\
#!{python}
import json, os, sys, pathlib, time, yaml
args, stdin = sys.argv[1:], "" if sys.stdin.isatty() else sys.stdin.read()
call = {{"args": args, "stdin": stdin, "env": dict(os.environ), "cwd": os.getcwd()}}
with open({calls!r}, "a") as log:
    log.write(json.dumps(call) + "\\n")
exec(os.environ.get("FAKE_PULUMI", ""))
project = yaml.safe_load(pathlib.Path("Pulumi.yaml").read_text())
name = args[args.index("--stack") + 1] if "--stack" in args else args[2]
file = pathlib.Path(project["stackConfigDir"], "Pulumi." + name + ".yaml")
if "--config-file" in args:
    file = pathlib.Path(args[args.index("--config-file") + 1])
document = yaml.safe_load(file.read_text()) if file.exists() else {{}}
if args[:2] == ["stack", "init"]:
    state = pathlib.Path(os.environ["PULUMI_BACKEND_URL"].removeprefix("file://"), ".pulumi/stacks/slipway")
    state.mkdir(parents=True, exist_ok=True)
    (state / (name + ".json")).write_text("{{}}")
    file.write_text(yaml.safe_dump({{**document, "encryptionsalt": "v1:x:v1:x:x"}}))
if args[:2] == ["config", "set"]:
    section, _, key = args[4].rpartition(".")
    document.setdefault("config", {{}}).setdefault(section, {{}})
    document["config"][section][key] = {{"secure": "v1:x"}} if "--secret" in args else args[5]
    file.write_text(yaml.safe_dump(document))
"""
TEAM = """\
encryptionsalt: v1:x:v1:x:x
config:
  slipway:cluster: {sandbox: true}
  slipway:images: {catalogue: sandbox}
  slipway:secrets:
    postgresOwnerPassword: {secure: "v1:x"}
    postgresServicePassword: {secure: "v1:x"}
    redisPassword: {secure: "v1:x"}
    secretKey: {secure: "v1:x"}
    devToken: {secure: "v1:x"}
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: state folder, stack files and a pulumi on PATH; the file holds every call."""
    stacks, binaries, log = tmp_path / "stacks", tmp_path / "bin", tmp_path / "calls"
    (stacks / "profiles").mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\nruntime: python\nstackConfigDir: stacks\n")
    for profile in (paths.ROOT / "stacks" / "profiles").iterdir():
        (stacks / "profiles" / profile.name).write_bytes(profile.read_bytes())
    binaries.mkdir()
    fake = binaries / "pulumi"
    fake.write_text(FAKE.format(python=sys.executable, calls=str(log)))
    fake.chmod(0o755)
    monkeypatch.setenv("SLIPWAY_STACKS", str(stacks))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
    monkeypatch.setattr(tools, "bin_folders", lambda: [binaries])
    monkeypatch.setattr(tools, "tool", binaries.joinpath)
    monkeypatch.setattr(tools, "ensure", lambda *_: {})
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    for name in (passphrase.VALUE, passphrase.FILE):
        monkeypatch.delenv(name, raising=False)
    log.touch()
    return log


def seen(calls: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in calls.read_text().splitlines()]


def lock(
    backend: Path, pid: int, host: str = "", since: datetime | None = None, stack: str = "sandbox"
) -> Path:
    """A lock file as the engine writes it."""
    folder = backend / ".pulumi" / "locks" / "organization" / "slipway" / stack
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "pid": pid,
        "username": "ada",
        "hostname": host or socket.gethostname(),
        "timestamp": (since or datetime.now(UTC))
        .isoformat()
        .replace("+00:00", "000Z"),  # the engine writes nanoseconds
    }
    path = folder / f"{pid}.json"
    path.write_text(json.dumps(content))
    return path
