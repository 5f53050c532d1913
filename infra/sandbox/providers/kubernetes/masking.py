"""What is secret about Kubernetes' objects: whatever a Secret holds, encoded and decoded."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from infra.sandbox.providers.shared import masking
from infra.sandbox.providers.shared.values import Object, Path, Properties, strings


class Masks(masking.Masks):
    """The secret values this process has seen; only ever grows."""

    def learn(self, properties: Properties) -> None:
        """Remember every value marked secret, and everything a Secret holds, encoded and decoded."""
        super().learn(properties)
        self.learn_secret(properties.value)

    def learn_secret(self, obj: Object) -> None:
        """Remember what a core/v1 Secret holds; other objects are left alone."""
        if is_secret(obj):
            data = [*strings(obj.get("data")), *strings(obj.get("stringData"))]
            self.add([*data, *(_decoded(text) for text in strings(obj.get("data")))])


def is_secret(obj: Object) -> bool:
    """Whether an object is a core/v1 Secret."""
    return obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1"


def secret_paths(obj: Object, marked: Iterable[Path]) -> frozenset[Path]:
    """The secret paths of an object made from inputs with these marks: a Secret's data is always secret."""
    paths = set(marked)
    if is_secret(obj):
        paths |= {("data",), ("stringData",)}
    return frozenset(paths)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
