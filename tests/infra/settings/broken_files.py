"""The tables of broken stack files, and the sound file from which they differ."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from infra.settings.modules import Module
from infra.settings.secrets import SecretName, required
from infra.settings.service import Mode

STACK = "ledger-dev"
SOUND = """config:
  slipway:cluster: {context: team}
  slipway:images: {service: registry.example/team/service:1.4.2, backups: registry.example/team/backups:1}
"""
SALT = "encryptionsalt: v1:abc:v1:abc\n"
SEALED = "{secure: v1:abc}"
BACKUPS = ["backupKey", "backupAccessKeyId", "backupSecretAccessKey"]
PLACEHOLDER = re.compile(r"<secrets(?:-(with|without)-(.*?))?>\n", re.DOTALL)


def wanted(mode: Mode) -> list[str]:
    """The names of the secrets that a stack with the ledger holds, in the order of their messages."""
    names = required(mode, [Module.LEDGER])
    return [name.value for name in SecretName if name in names]


def secrets(names: list[str]) -> str:
    """The end of a stack file that holds these secrets."""
    return "  slipway:secrets:\n" + "".join(f"    {name}: {SEALED}\n" for name in names) + SALT


SECRETS = secrets(wanted(Mode.DEVELOPMENT))


def filled(text: str, stack: str = STACK) -> str:
    """``<sound>``, ``<secrets>``, ``<secrets-without-NAME>``, ``<secrets-with-LINE>``, ``-without-salt``."""

    def instead(match: re.Match[str]) -> str:
        how, rest = match.groups()
        development = stack.endswith("-dev") or "environment: development" in text
        names = wanted(Mode.DEVELOPMENT if development else Mode.PRODUCTION)
        names += BACKUPS[: 3 if "kind: s3" in text else 1] if "backups: {enabled: true" in text else []
        if how == "without":
            return secrets([name for name in names if name != rest]).replace(
                SALT if rest == "salt" else "\0", ""
            )
        if how == "with":
            name = rest.partition(":")[0]
            line = rest if ":" in rest else f"{rest}: {SEALED}"
            return secrets([other for other in names if other != name]).replace(SALT, f"    {line}\n{SALT}")
        return secrets(names)

    return PLACEHOLDER.sub(instead, text.replace("<sound>\n", SOUND))


def _table(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name(name).read_text("utf-8"))
    return found


CASES = _table("broken.yaml")
FILES = _table("broken_files.yaml") if Path(__file__).with_name("broken_files.yaml").exists() else {}
