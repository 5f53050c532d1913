"""Keeps secrets out of log lines: by the name of the field, by shape, and by exact value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "***"
SECRET_NAMES = re.compile(
    r"(?i)(^|_)pass$|passw(or)?d|secret|token|authorization|cookie|api_?key|private_?key|database_url|redis_url|^dsn$"
)
BEARER = re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]+")
ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^:/@\s'\"]*:)[^@\s'\"]+@")


class Masker:
    """Masks nested log data. ``values`` are this process's own secrets; they vanish wherever they stand."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = sorted(set(values), key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """The text without bearer tokens, passwords in addresses and known secrets."""
        if self._values:
            text = self._values.sub(MASK, text)
        return ADDRESS.sub(rf"\1{MASK}@", BEARER.sub(rf"\1{MASK}", text))

    def value(self, value: Any, name: str = "") -> Any:
        """The value with everything secret masked, at any depth; numbers and booleans as they are."""
        if name and value and SECRET_NAMES.search(name):
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(part, str(key)) for key, part in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.value(part) for part in value]
        return value if isinstance(value, int | float | None) else self.text(str(value))
