"""Between the engine's property values and plain Python: secrets become a set of paths, unknowns a marker.

The three signatures are the engine's wire format (pulumi/sdk, go/common/resource/properties.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type signature, not a secret
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Object = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Properties:
    """A property bag without wrappers, and the paths whose values are secret."""

    value: Object
    secrets: frozenset[Path] = frozenset()

    @property
    def known(self) -> bool:
        """Whether every value is known, that is: nothing waits for another resource of the same run."""
        return not has_unknown(self.value)


def decode(struct: struct_pb2.Struct) -> Properties:
    """Properties of a message; null members are dropped, whole numbers become int."""
    secrets: set[Path] = set()
    value = _members(struct, (), secrets)
    return Properties(value, frozenset(secrets))


def _members(struct: struct_pb2.Struct, path: Path, secrets: set[Path]) -> Object:
    items = struct.fields.items()
    return {k: _decode(v, (*path, k), secrets) for k, v in items if v.WhichOneof("kind") != "null_value"}


def _decode(value: struct_pb2.Value, path: Path, secrets: set[Path]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET:
            secrets.add(path)
            return _decode(fields["value"], path, secrets)
        return _members(value.struct_value, path, secrets)
    if kind == "list_value":
        return [_decode(item, (*path, i), secrets) for i, item in enumerate(value.list_value.values)]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return getattr(value, kind) if kind and kind != "null_value" else None


def encode(value: Object, secrets: Iterable[Path] = ()) -> struct_pb2.Struct:
    """A message of the value, with the values at the secret paths wrapped as secrets."""
    struct = struct_pb2.Struct()
    struct.update({k: _wrapped(v, (k,), frozenset(secrets)) for k, v in value.items() if v is not None})
    return struct


def _wrapped(value: Any, path: Path, secrets: frozenset[Path]) -> Any:
    if path in secrets and value != UNKNOWN:
        return {SIGNATURE: SECRET, "value": value}
    if isinstance(value, dict):
        return {k: _wrapped(v, (*path, k), secrets) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_wrapped(v, (*path, i), secrets) for i, v in enumerate(value)]
    return value


def has_unknown(value: Any) -> bool:
    """Whether a value holds an unknown anywhere."""
    if isinstance(value, dict):
        return any(has_unknown(v) for v in value.values())
    if isinstance(value, list):
        return any(has_unknown(v) for v in value)
    return bool(value == UNKNOWN)


def strings(value: Any) -> Iterator[str]:
    """Every known string inside a value."""
    if isinstance(value, str):
        if value != UNKNOWN:
            yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)


def at(value: Any, path: Iterable[str | int], default: Any = None) -> Any:
    """The value at a path, or the default where the path leads nowhere."""
    for step in path:
        inside = isinstance(value, dict) and step in value
        if not inside and not (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            return default
        value = value[step]
    return value


def dig(value: Any, dotted: str, default: Any = None) -> Any:
    """The value at a dotted path of member names; None on the way counts as absent."""
    found = at(value, dotted.split("."))
    return default if found is None else found
