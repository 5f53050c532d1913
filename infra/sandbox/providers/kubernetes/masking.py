"""Takes secret values out of whatever is shown: log lines of pods, events, refusals of the API server."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Iterable
from urllib.parse import quote

from infra.sandbox.providers.kubernetes.values import UNKNOWN, Object, Path, Properties, at, strings

MASK = "[secret]"
SHORTEST = 4  # shorter values (a user's "no", a port) would blank out ordinary words


class Masks:
    """The secret values this process has seen; only ever grows."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, properties: Properties) -> None:
        """Remember every value marked secret, and everything a Secret holds, encoded and decoded."""
        found = [text for path in properties.secrets for text in strings(at(properties.value, path))]
        self._add(_forms(found))
        self.learn_secret(properties.value)

    def learn_secret(self, obj: Object) -> None:
        """Remember what a core/v1 Secret holds; other objects are left alone."""
        if is_secret(obj):
            data = [*strings(obj.get("data")), *strings(obj.get("stringData"))]
            self._add(_forms([*data, *(_decoded(text) for text in strings(obj.get("data")))]))

    def clean(self, text: str) -> str:
        """The text with every known secret value replaced."""
        with self._lock:
            if self._pattern is None and self._values:
                longest_first = sorted(self._values, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            pattern = self._pattern
        return pattern.sub(MASK, text) if pattern else text

    def _add(self, values: Iterable[str]) -> None:
        fresh = {value for value in values if len(value) >= SHORTEST and value != UNKNOWN}
        with self._lock:
            if not fresh <= self._values:
                self._values |= fresh
                self._pattern = None


def is_secret(obj: Object) -> bool:
    """Whether an object is a core/v1 Secret."""
    return obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1"


def secret_paths(obj: Object, marked: Iterable[Path]) -> frozenset[Path]:
    """The secret paths of an object made from inputs with these marks: a Secret's data is always secret."""
    paths = set(marked)
    if is_secret(obj):
        paths |= {("data",), ("stringData",)}
    return frozenset(paths)


def _forms(values: Iterable[str]) -> set[str]:
    """Each value as it may be written: whole, line by line, in a URL, in base64."""
    forms: set[str] = set()
    for value in values:
        forms |= {value, value.strip(), quote(value, safe=""), base64.b64encode(value.encode()).decode()}
        forms |= {line.strip() for line in value.splitlines()} if "\n" in value else set()
    return forms


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
