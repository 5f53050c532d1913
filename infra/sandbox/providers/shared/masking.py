"""Takes secret values out of whatever a plugin shows: messages, log lines, refusals."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable
from urllib.parse import quote

from infra.sandbox.providers.shared.values import UNKNOWN, Properties, at, strings

MASK = "[secret]"
SHORTEST = 4  # shorter values (a user's "no", a port) would blank out ordinary words


class Masks:
    """The secret values this process has seen; only ever grows."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, properties: Properties) -> None:
        """Remember every value marked secret."""
        self.add(text for path in properties.secrets for text in strings(at(properties.value, path)))

    def add(self, values: Iterable[str]) -> None:
        """Remember values, however they may be written."""
        fresh = {value for value in _forms(values) if len(value) >= SHORTEST and value != UNKNOWN}
        with self._lock:
            if not fresh <= self._values:
                self._values |= fresh
                self._pattern = None

    def clean(self, text: str) -> str:
        """The text with every known secret value replaced."""
        with self._lock:
            if self._pattern is None and self._values:
                longest_first = sorted(self._values, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            pattern = self._pattern
        return pattern.sub(MASK, text) if pattern else text


def _forms(values: Iterable[str]) -> set[str]:
    """Each value as it may be written: whole, line by line, in a URL, in base64."""
    forms: set[str] = set()
    for value in values:
        forms |= {value, value.strip(), quote(value, safe=""), base64.b64encode(value.encode()).decode()}
        forms |= {line.strip() for line in value.splitlines()} if "\n" in value else set()
    return forms
