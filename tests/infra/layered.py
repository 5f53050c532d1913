"""A folder of stack files with a profile of its own, and the slipway command run on it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from infra.cli import verbs

STACK = "ledger-dev"
PROFILE = """\
service:
  environment: development
  replicas: 1
  allowed_origins: ["http://localhost:3000"]
  pool: {size: 5, max_overflow: 10}
"""
OWN = """\
config:
  slipway:cluster: {context: team}
  slipway:images: {service: registry.example/team/service:1.4.2, backups: registry.example/team/backups:1}
"""
SECRETS = """\
  slipway:secrets:
    secretKey: {secure: v1:ciphertext}
encryptionsalt: v1:abc:v1:abc
"""


def folder(path: Path, own: str = "", *, stack: str = STACK, profile: str = PROFILE) -> Path:
    """Write a stack file of ``OWN``, ``own`` and a secret, with its environment's profile below it."""
    (path / "profiles").mkdir(exist_ok=True)
    (path / "profiles" / f"{stack.rpartition('-')[2]}.yaml").write_text(profile, encoding="utf-8")
    (path / f"Pulumi.{stack}.yaml").write_text(OWN + own + SECRETS, encoding="utf-8")
    return path


def slipway(monkeypatch: pytest.MonkeyPatch, stacks: Path, *arguments: str, columns: int = 120) -> Result:
    """Run the command on the folder, in this process; a UserError is the result's ``exception``."""
    monkeypatch.setenv("SLIPWAY_STACKS", str(stacks))
    monkeypatch.setenv("COLUMNS", str(columns))
    app = typer.Typer()
    verbs.register(app)
    return CliRunner().invoke(app, list(arguments))
