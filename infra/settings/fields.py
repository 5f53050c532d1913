"""What a field of the model allows, read from its annotation: models, words, range, pattern, example."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models inside an annotation such as ``Pool | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in {Union, types.UnionType, tuple}:
        return [model for part in get_args(annotation) for model in models_in(part)]
    return []


def field_at(model: type[BaseModel], path: tuple[str | int, ...]) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model that holds the last key of ``path``, and that key's field (None where it is unknown)."""
    field: FieldInfo | None = None
    for part in path:
        if isinstance(part, int):
            continue
        if field is not None and models_in(field.annotation):
            model = models_in(field.annotation)[0]
        field = model.model_fields.get(part)
    return model, field


def remedy(field: FieldInfo | None) -> str:
    """What may stand here: range or vocabulary, an example, and what the field means."""
    if field is None:
        return "see stacks/reference.yaml"
    least, most = _bound(field, "ge"), _bound(field, "le")
    words, examples = vocabulary_of(field), _examples(field)
    if least is not None and most is not None:
        wanted = f"use {least} to {most}. "
    elif words:
        wanted = f"use {' or '.join(words) if len(words) < 3 else 'one of ' + ', '.join(words)}. "
    elif field.annotation is bool:
        wanted = "use true or false. "
    elif examples:
        wanted = f"for example {examples[0]}. "
    else:
        wanted = ""
    return f"{wanted}{field.description or ''}".strip()


def in_range(field: FieldInfo | None, number: int) -> bool:
    """Whether the field's bounds allow the number."""
    least, most = (_bound(field, name) if field else None for name in ("ge", "le"))
    return (least is None or number >= least) and (most is None or number <= most)


def vocabulary_of(field: FieldInfo | None) -> list[str]:
    """The words of a closed vocabulary, also of a list's items; empty for any other field."""
    return _words(field.annotation) if field else []


def takes(field: FieldInfo | None, text: str) -> bool:
    """Whether the field has a pattern, and the text fits it."""
    found = (getattr(item, "pattern", None) for item in _metadata(field)) if field else iter(())
    return any(pattern is not None and re.search(pattern, text) is not None for pattern in found)


def _words(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [member.value for member in annotation]
    return [word for part in get_args(annotation) if part is not ... for word in _words(part)]


def _bound(field: FieldInfo, name: str) -> Any:
    found = (getattr(item, name, None) for item in _metadata(field))
    return next((bound for bound in found if bound is not None), None)


def _examples(field: FieldInfo) -> list[Any]:
    found = [field.examples, *(item.examples for item in _metadata(field) if isinstance(item, FieldInfo))]
    return next((list(examples) for examples in found if examples), [])


def _metadata(field: FieldInfo) -> Iterator[Any]:
    """Constraints of the field, and those kept in ``Annotated`` parts, as of a list's items."""
    yield from field.metadata
    yield from _nested(field.annotation)


def _nested(annotation: Any) -> Iterator[Any]:
    for part in get_args(annotation):
        for item in getattr(part, "__metadata__", ()):
            yield item
            if isinstance(item, FieldInfo):
                yield from item.metadata
        yield from _nested(part)
