"""Which objects select a pod by its labels: PodDisruptionBudgets, NetworkPolicies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.policy.planned import SECRET, UNKNOWN, Resource, at, mappings, text, texts

Label = tuple[str, str]


class Selectors:
    """Objects by namespace and one label that they ask for, the rarest: thousands of pods do not look at
    thousands each."""

    def __init__(self, objects: Iterable[Resource], *path: str) -> None:
        """``path``: where an object has its selector."""
        chosen = [(found, at(found.properties, *path)) for found in objects]
        rarity = Counter(label for _, selector in chosen for label in _asked(selector))
        self._found: dict[tuple[str | None, Label | None], list[tuple[Resource, Any]]] = {}
        for found, selector in chosen:
            rarest = min(_asked(selector), key=rarity.__getitem__, default=None)
            self._found.setdefault((_place(found), rarest), []).append((found, selector))

    def of(self, holder: Resource, labels: Mapping[str, Any]) -> Iterator[Resource]:
        """Those that select pods with these labels in the namespace of ``holder``, where that is known."""
        own = _place(holder)
        places = {place for place, _ in self._found} if own == UNKNOWN else {own, UNKNOWN}
        asked = (None, *(item for item in labels.items() if isinstance(item[1], str)))
        for place in places:
            for label in asked:
                for found, selector in self._found.get((place, label), ()):
                    if selects(selector, labels):
                        yield found


def _place(resource: Resource) -> str | None:
    return text(resource.properties, "metadata", "namespace")


def _asked(selector: Any) -> list[Label]:
    """The labels that must be there as they stand; nothing that is not known yet."""
    asked = at(selector, "matchLabels")
    if not isinstance(asked, Mapping):
        return []
    return [(key, value) for key, value in asked.items() if isinstance(value, str) and value != UNKNOWN]


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector (matchLabels, matchExpressions) takes these labels; an empty one takes all,
    and one that is not known yet may take them."""
    asked = at(selector, "matchLabels")
    if selector is None or {UNKNOWN, SECRET}.intersection(texts([selector, asked])):
        return selector is not None
    pairs = [(labels.get(key), value) for key, value in asked.items()] if isinstance(asked, Mapping) else []
    same = all(UNKNOWN in pair or pair[0] == pair[1] for pair in pairs)
    return same and all(_holds(each, labels) for _, each in mappings(at(selector, "matchExpressions")))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """kubernetes.io, "Resources that support set-based requirements"."""
    key, values = str(expression.get("key")), texts(expression.get("values"))
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(expression.get("operator")), False)
