"""A planned resource as plain data, whichever way it comes: from a preview, the program or a policy pack.

Not called resource.py: a policy pack's folder comes first on Python's path, before the standard library's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Pulumi's own words (sdk/go/common/resource and pkg/backend/display of pulumi 3.258.0).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # known only once it is made
SECRET = "[secret]"  # noqa: S105  what stands for one
SIGNATURE = "4dabf18193072939515e22adb298388d"  # marks a wrapped value on the wire
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  the mark of a secret
KEPT = frozenset({"create", "update", "replace", "same", "import", "read"})  # in a preview's summary
GONE = frozenset({"delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace"})


@dataclass(frozen=True)
class Options:
    """What Pulumi may do with a resource: ``protect`` and ``retain`` (retainOnDelete) keep it where it is;
    ``ignored``: property paths whose changes are left to others."""

    protect: bool = False
    retain: bool = False
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resource:
    """A resource as its provider gets it. ``type`` is Pulumi's token, ``properties`` JSON data in camelCase,
    secrets as ``SECRET`` and what nobody knows yet as ``UNKNOWN``."""

    urn: str
    type: str
    name: str
    properties: Mapping[str, Any]
    options: Options = Options()

    @property
    def kind(self) -> str:
        """``Deployment``, ``Bucket``: the end of the type token, without the version that AWS's had."""
        return self.type.rpartition(":")[2].removesuffix("V2")

    @property
    def of_kubernetes(self) -> bool:
        """Whether it is an object of the cluster."""
        return self.type.startswith("kubernetes:")


def from_preview(digest: Mapping[str, Any]) -> list[Resource]:
    """What ``pulumi preview --json`` (its whole document) says there will be, each resource once."""
    found: dict[str, Resource] = {}
    for step in digest.get("steps") or ():
        state = step.get("newState")
        if state and step.get("op") not in GONE:
            found[step["urn"]] = Resource(
                step["urn"],
                state["type"],
                step["urn"].rpartition("::")[2],
                plain(state.get("inputs") or {}),
                Options(
                    bool(state.get("protect")),
                    bool(state.get("retainOnDelete")),
                    tuple(state.get("ignoreChanges") or ()),
                ),
            )
    return list(found.values())


def left_out(digest: Mapping[str, Any]) -> int:
    """How many resources a preview counts and does not show: those that stay, without ``--show-sames``."""
    counted: Mapping[str, int] = digest.get("changeSummary") or {}
    kept = sum(number for op, number in counted.items() if op in KEPT)
    return max(0, kept - len(from_preview(digest)))


def plain(value: Any) -> Any:
    """The same as JSON data, secrets as ``SECRET`` and whole numbers whole: the wire knows fractions only."""
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET_SIGNATURE:
            return SECRET
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def at(value: Any, *path: str | int) -> Any:
    """What stands at a path; None where nothing does, ``UNKNOWN`` below what is unknown or secret."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        else:
            return UNKNOWN if value in (UNKNOWN, SECRET) else None
    return value


def text(value: Any, *path: str | int) -> str | None:
    """The text at a path; None where there is none, also where something else stands."""
    found = at(value, *path)
    return found if isinstance(found, str) else None


def texts(value: Any) -> list[str]:
    """The texts of a list; none where there is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def differs(value: Any, wanted: Any) -> bool:
    """Whether the value is certainly another one."""
    return value not in (UNKNOWN, wanted)


def mappings(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings of a list with their index; none where there is no list."""
    if isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, Mapping))


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside with its path: ``spec.containers[0].image``."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(inner, joined(path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings(item, f"{path}[{index}]")


def joined(*parts: str) -> str:
    """A property path of its parts; a key with a dot in it stands in brackets."""
    path = ""
    for part in parts:
        if part:
            path += f'["{part}"]' if "/" in part else f".{part}" if path else part
    return path
