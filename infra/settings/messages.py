"""Pydantic's findings in our words: the value, why it cannot be, and what to write instead."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

SHOWN_CHARS = 60
KINDS = {
    "int_type": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
}


def near_miss(word: str, known: Iterable[str]) -> str:
    """``; did you mean replicas?`` where one of ``known`` is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def quote(value: Any) -> str:
    """A value as the file has it, cut where it is long."""
    text = (
        {True: "true", False: "false", None: "null"}.get(value)
        if value is None or value is True or value is False
        else None
    )
    text = text or (f'"{value}"' if isinstance(value, str) else str(value))
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 1]}…"


def kind(value: Any) -> str:
    """What the value is, in words."""
    if isinstance(value, bool):
        return "true or false"
    names: list[tuple[type, str]] = [
        (str, "text"), (int, "a whole number"), (float, "a fraction"), (list, "a list"), (dict, "a mapping")
    ]  # fmt: skip
    return next((name for type_, name in names if isinstance(value, type_)), "nothing")


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


def explain(error: Any, model: type[BaseModel], path: tuple[str | int, ...]) -> tuple[str, str]:
    """One entry of ``ValidationError.errors()`` as (what, remedy)."""
    holder, field = field_at(model, path)
    value, context, name = error["input"], error.get("ctx", {}), error["type"]
    if name == "extra_forbidden":
        known = [key for key in holder.model_fields if key != "stack"]
        return f"unknown key{near_miss(str(path[-1]), known)}", f"known keys here: {', '.join(known)}"
    remedy = _remedy(field)
    if name in KINDS:
        return f"{quote(value)} is {kind(value)}, and {KINDS[name]} is wanted", remedy
    if name in {"model_type", "model_attributes_type", "dict_type"}:
        keys = (
            ", ".join(models_in(field.annotation)[0].model_fields)
            if field and models_in(field.annotation)
            else ""
        )
        return f"{quote(value)} is {kind(value)}, and a mapping is wanted", f"write keys below it: {keys}"
    if name == "enum":
        return _not_one_of(value, field), remedy
    if name == "greater_than_equal":
        return f"{value} is less than {context['ge']}", remedy
    if name == "less_than_equal":
        return f"{value} is more than {context['le']}", remedy
    if name == "string_pattern_mismatch":
        return f"{quote(value)} does not have the right form", remedy
    if name in {"too_short", "string_too_short"}:
        return "is empty", remedy
    message = str(error["msg"])
    return f"{quote(value)}: {message[:1].lower()}{message[1:]}", remedy


def _not_one_of(value: Any, field: FieldInfo | None) -> str:
    words = _vocabulary(field.annotation) if field else []
    return f"{quote(value)} is none of {', '.join(words)}{near_miss(str(value), words)}"


def _vocabulary(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [member.value for member in annotation]
    return [word for part in get_args(annotation) if part is not ... for word in _vocabulary(part)]


def _remedy(field: FieldInfo | None) -> str:
    """What may stand here: range or vocabulary, an example, and what the field means."""
    if field is None:
        return "see stacks/profiles for files that hold"
    least = next((item.ge for item in field.metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in field.metadata if hasattr(item, "le")), None)
    examples = field.examples or _examples(field.annotation)
    words = _vocabulary(field.annotation)
    if least is not None and most is not None:
        wanted = f"use {least} to {most}. "
    elif words:
        wanted = f"use {' or '.join(words) if len(words) < 3 else 'one of ' + ', '.join(words)}. "
    elif examples:
        wanted = f"for example {examples[0]}. "
    else:
        wanted = ""
    return f"{wanted}{field.description or ''}".strip()


def _examples(annotation: Any) -> list[Any]:
    """Examples kept in ``Annotated`` parts, as of a list's items."""
    for part in get_args(annotation):
        metadata = getattr(part, "__metadata__", ())
        found = [item.examples for item in metadata if isinstance(item, FieldInfo) and item.examples]
        if found:
            return list(found[0])
        if nested := _examples(part):
            return nested
    return []
