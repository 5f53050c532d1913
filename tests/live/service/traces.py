"""The shapes in which a secret may be found: as it is, percent-encoded, in base64 at any place."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

SKIPPED = {0: 0, 1: 2, 2: 3}  # characters of base64 that bytes before the value have a part in


def shapes(value: str) -> set[str]:
    """Every text that gives the value away. In base64 three are needed: bytes are coded by threes."""
    raw, found = value.encode(), {value, quote(value, safe="")}
    for before, skipped in SKIPPED.items():
        coded = b64encode(b"\0" * before + raw).decode()
        whole = (before + len(raw)) // 3 * 4
        found.add(coded[skipped:whole])
    return found


def searcher(values: Mapping[str, str]) -> Callable[[str], list[str]]:
    """A function from a text to the names of the secrets that stand in it."""
    wanted = {name: shapes(value) for name, value in values.items()}
    return lambda text: [name for name, forms in wanted.items() if any(form in text for form in forms)]


def below(folder: Path) -> dict[str, str]:
    """Path → content of every file below ``folder``; bytes that are no text count as they are."""
    return {str(path): path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()}
