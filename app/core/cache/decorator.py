"""``@cached``: an async function or method whose results are kept."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, get_type_hints
from urllib.parse import quote

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from app.core.cache.store import Cache, octets

LONGEST = 200  # characters of one argument in a key; a longer one is hashed
P = ParamSpec("P")
T = TypeVar("T")


class CacheOwner(Protocol):
    """The first argument of a cached function: ``self`` or the context. ``cache_scope`` is what the result
    depends on besides the other arguments, such as a user's id; empty where it is everybody's."""

    @property
    def cache(self) -> Cache: ...

    @property
    def cache_scope(self) -> str: ...


Owner = TypeVar("Owner", bound=CacheOwner)
Cached = Callable[Concatenate[Owner, P], Awaitable[T]]


def cached(
    ttl: int, key_prefix: str, tags: tuple[str, ...] = ()
) -> Callable[[Cached[Owner, P, T]], Cached[Owner, P, T]]:
    """Keeps each result for ``ttl`` seconds under "<key_prefix>:<scope>:<argument>:…", in the order of the
    signature, defaults too. ``tags`` name arguments: ("vehicle:{vehicle_id}",) is what
    ``invalidate_entity("vehicle", 7)`` forgets. The result is of the annotated type and goes through JSON."""

    def decorate(function: Cached[Owner, P, T]) -> Cached[Owner, P, T]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        async def kept(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> T:
            bound = signature.bind(owner, *args, **kwargs)
            bound.apply_defaults()
            _, *given = bound.arguments.items()
            key = ":".join((key_prefix, part(owner.cache_scope), *(part(value) for _, value in given)))
            named = tuple(tag.format_map(dict(given)) for tag in tags)
            return await owner.cache.get_or_compute_as(
                adapter_of(function), key, ttl, lambda: function(owner, *args, **kwargs), named
            )

        return kept

    return decorate


@functools.cache
def adapter_of(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """Of the annotated result; at the first call, when every name it mentions exists."""
    return TypeAdapter(get_type_hints(function)["return"])


def part(value: Any) -> str:
    """One argument as a part of a key: distinct for distinct values of one type, without ":" inside."""
    plain = to_jsonable_python(value)
    text = plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)
    quoted = quote(octets(text), safe="")
    return quoted if len(quoted) <= LONGEST else hashlib.sha256(octets(text)).hexdigest()
