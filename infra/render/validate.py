"""Reads rendered files back: what a product's own parser would see must be what was meant."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path


class RenderError(Exception):
    """A rendered file does not say what the settings say: a bug of a template, never the user's."""


def assignments(text: str, separator: str) -> dict[str, str]:
    """``key<separator>value`` lines without comments; raises RenderError where a key comes twice."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        key, _, value = line.partition(separator)
        if key.strip() in found:
            raise RenderError(f"{key.strip()} stands twice")
        found[key.strip()] = value.strip()
    return found


def same(product: str, meant: Mapping[str, str], read: Mapping[str, str]) -> None:
    """Raises RenderError naming the keys that differ."""
    wrong = sorted(key for key in meant.keys() | read.keys() if meant.get(key) != read.get(key))
    if wrong:
        raise RenderError(f"{product}: read back differently: {', '.join(wrong)}")


def postgres_accepts(text: str, parameter: str) -> str:
    """What PostgreSQL itself reads for ``parameter``. Raises RenderError with its message, FileNotFoundError
    where this machine has no ``postgres``."""
    program = shutil.which("postgres")
    if program is None:
        raise FileNotFoundError("postgres")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "postgresql.conf")
        file.write_text(text, encoding="utf-8")
        command = [program, "-C", parameter, f"--config-file={file}", "-D", folder]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RenderError(f"postgresql.conf: {answer.stderr.strip()}")
    return answer.stdout.strip()


def bash_accepts(text: str) -> None:
    """Raises RenderError where ``bash -n`` finds the script wrong."""
    answer = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RenderError(f"script: {answer.stderr.strip()}")
