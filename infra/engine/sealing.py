"""Secrets encrypted by Pulumi itself, in a throw-away project: the team's backend is never asked for.

Values go through standard input; ``infra/stack_secrets.py`` and ``infra/onboarding`` put the ciphertexts in
their files.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infra.engine import passphrase
from infra.engine.cli import LOST
from infra.errors import UserError
from infra.names import PROJECT
from infra.sandbox import tools
from infra.settings import document
from infra.settings.flaw import MASK
from infra.settings.layers import ROTATED, SECRETS, stack_file
from infra.settings.secrets import MIN_CHARS, PASSPHRASE, SecretName

SECRET_BYTES = 32
POLL_SECONDS = 0.1
REQUEST = re.compile(r"RequestID: [^,]*, ")  # another for every call, so that one cause would look like three
LEAST_DISTINCT = 8
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "your-secret",
    "your_secret",
    "secret-key",
    "secret_key",
    "example",
    "placeholder",
    "password",
    "insecure",
)  # the service refuses the same words (app/settings.py); a test compares the two


def new_value() -> str:
    """A random secret of 43 characters (256 bits) that every check lets through."""
    value = secrets.token_urlsafe(SECRET_BYTES)
    while weakness(value):
        value = secrets.token_urlsafe(SECRET_BYTES)
    return value


def weakness(value: str, least: int = MIN_CHARS) -> str | None:
    """Why the value cannot be a secret, without the value; None where it can."""
    if len(value) < least:
        return f"has {len(value)} characters; at least {least} are needed"
    if not value.isascii() or not value.isprintable() or " " in value:
        return "holds spaces, line breaks or characters beyond ASCII"
    if any(word in value.lower() for word in PLACEHOLDERS):
        return "is a placeholder, not a secret"
    if len(set(value)) < LEAST_DISTINCT:
        return f"has fewer than {LEAST_DISTINCT} different characters"
    return None


@dataclass
class Bench:
    """A project of one stack, with backend, engine home and stack file in ``folder``.

    provider: Pulumi's secrets provider; variables: what the engine needs to reach it, beside the user's own
    environment; text: the stack file as it is, empty for a new one; stop: set to give up.
    """

    folder: Path
    stack: str
    provider: str
    variables: Mapping[str, str]
    text: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def file(self) -> Path:
        """The stack file that the engine works on."""
        return self.folder / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def engine_keys(self) -> dict[str, str]:
        """The stack file's keys for decryption: salt, or provider and encrypted key."""
        data = document.read(self.file).data
        return {key: value for key, value in data.items() if key != "config"}

    def open(self) -> None:
        """Make the stack. Raises UserError where the provider cannot be used with this stack file."""
        for part in ("stacks", "backend", "home"):
            (self.folder / part).mkdir(parents=True, mode=0o700)
        project = f"name: {PROJECT}\nruntime: python\nstackConfigDir: stacks\n"
        (self.folder / "Pulumi.yaml").write_text(project, encoding="utf-8")
        if self.text:
            self.file.write_text(self.text, encoding="utf-8", newline="")
        self._run("stack", "init", self.stack, "--no-select", "--secrets-provider", self.provider)

    def seal(self, name: SecretName, value: str) -> str:
        """Put the secret into the stack file, encrypted; its ciphertext. Raises UserError."""
        key = f"{PROJECT}:{SECRETS}.{name}"
        self._run("config", "set", "--path", "--secret", key, "--stack", self.stack, value=value)
        held: dict[str, Any] = document.read(self.file).data["config"][f"{PROJECT}:{SECRETS}"]
        return str(held[name.value]["secure"])

    def date(self, name: SecretName, day: str) -> None:
        """Put down when the secret was made."""
        key = f"{PROJECT}:{ROTATED}.{name}"
        self._run("config", "set", "--path", "--plaintext", key, day, "--stack", self.stack)

    def _run(self, *arguments: str, value: str = "") -> None:
        process = subprocess.Popen(
            [tools.tool("pulumi"), *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,  # a Ctrl-C is ours to handle
        )
        pending: str | None = value
        while True:
            try:
                _, said = process.communicate(pending, timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                pending = None
                if not self.stop.is_set():
                    continue
                process.kill()
                process.communicate()
                raise KeyboardInterrupt from None
            except BaseException:
                process.kill()
                process.communicate()
                raise
            break
        if process.returncode:
            raise self._in_words(said.replace(value, MASK) if value else said)

    def _environment(self) -> dict[str, str]:
        """The user's, without what would lead Pulumi elsewhere; cloud credentials are theirs."""
        mine = {passphrase.VALUE, passphrase.FILE}
        kept = {key: word for key, word in os.environ.items() if not key.startswith("PULUMI_") or key in mine}
        if passphrase.FILE in self.variables:
            kept.pop(passphrase.VALUE, None)  # it would win over the file
        return {
            **kept,
            **self.variables,
            "PULUMI_BACKEND_URL": f"file://{quote(str(self.folder / 'backend'))}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def _in_words(self, said: str) -> UserError:
        said = said.strip().rpartition("error: ")[2]  # warnings of the cloud's SDK stand before it
        if LOST in said:
            where = document.display(stack_file(self.stack))
            what = "is encrypted with another passphrase than the one at hand"
            remedy = f"set {passphrase.FILE} to the file that holds the passphrase of {self.stack}"
            return UserError.of(where, what, remedy)
        if self.provider != PASSPHRASE:
            remedy = "check the key's name, and that your credentials may encrypt and decrypt with it"
            return UserError.of(f"secrets provider {self.provider}", REQUEST.sub("", said), remedy)
        return UserError.of(f"secrets of {self.stack}", said, "mend it, then run the same command again")
