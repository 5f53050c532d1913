"""Pydantic's findings in our words: the value, why it cannot be, and what to write instead.

fields.py says what a field allows; here is how that is told.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import available_timezones

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from infra.names import PROJECT
from infra.settings import fields, flaw
from infra.settings.fields import field_at, models_in
from infra.settings.flaw import MASK, SECRETIVE, printable, shown

KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
}
BOUNDS = {"greater_than_equal": ("less than", "ge"), "less_than_equal": ("more than", "le")}
MAPPINGS = {"model_type", "model_attributes_type", "dict_type"}
BOOLEANS = {word: "true" for word in ("yes", "on", "y", "true")} | {
    word: "false" for word in ("no", "off", "n", "false")
}
MOST_KEYS = 10  # a longer list of keys is cut to the nearest
NUMBER = re.compile(r"[+-]?(0[xX][0-9a-fA-F_]+|0o[0-7_]+|[0-9][0-9_,]{0,29}|[0-9]{1,9}[eE]\+?[0-9])(\.0*)?")
FRACTION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
OCTAL = re.compile(r"0[0-7]{1,20}")
WITH_UNIT = re.compile(r"[0-9]{1,12} ?[A-Za-z%]{1,12}")
QUANTITY = re.compile(r"([1-9][0-9]{0,6}) ?([mMgG])i?[bB]?")


def _alike(word: str, known: Iterable[str]) -> list[str]:
    """``known`` from the nearest on; case does not count, and what is not near at all is left out."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word[:80].casefold(), list(folded), n=len(folded) or 1, cutoff=0.7)
    return [folded[name] for name in found]


def close(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` may have been meant for; None where none is near."""
    return next(iter(_alike(word, known)), None)


def near_miss(word: str, known: Iterable[str]) -> str:
    """``; did you mean replicas?`` where one of ``known`` is close, else nothing."""
    guess = close(word, known)
    return f"; did you mean {printable(guess)}?" if guess else ""


def quote(value: Any, key: str = "", *, quoted: bool = True) -> str:
    """A value as the file has it, cut where it is long, hidden where it may be a secret."""
    return shown(key, value, quoted=quoted) or kind(value)


def kind(value: Any) -> str:
    """What the value is, in words."""
    if isinstance(value, bool):
        return "a boolean"
    names: list[tuple[type, str]] = [
        (str, "text"), (int, "a whole number"), (float, "a fraction"), (list, "a list"), (dict, "a mapping")
    ]  # fmt: skip
    return next((name for type_, name in names if isinstance(value, type_)), "nothing")


def explain(
    error: Any, model: type[BaseModel], path: tuple[str | int, ...], *, quoted: bool = True
) -> tuple[str, str, str]:
    """One entry of ``ValidationError.errors()`` as (rule, what, remedy). ``quoted``: whether a text stands
    in quotes in the file."""
    holder, field = field_at(model, path)
    value, context, name = error["input"], error.get("ctx", {}), error["type"]
    text, remedy = quote(value, str(path[-1]), quoted=quoted), fields.remedy(field)
    if name == "extra_forbidden":
        return _unknown(str(path[-1]), value, [key for key in holder.model_fields if key != "stack"])
    if isinstance(value, dict) and list(value) == ["secure"]:
        return (
            "wrong-type",
            "is encrypted, and this key holds no secret",
            _joined("write the plain value", remedy),
        )
    if value is None or name == "missing":
        return "empty-value", *_nothing(name, field)
    if name in MAPPINGS and isinstance(value, str) and flaw.is_run_together(value):
        return (
            "wrong-type",
            "is text without a space after its colon, and a mapping is wanted",
            "write `key: value`",
        )
    if name in MAPPINGS:
        found = "is" if isinstance(value, list) else f"{text} is"
        return "wrong-type", f"{found} {kind(value)}, and a mapping is wanted", _keys_below(field)
    if name in KINDS:
        return "wrong-type", *_wrong_type(name, value, text, field, quoted=quoted)
    if name == "enum":
        return *_no_word(value, text, field), remedy
    if name in BOUNDS:
        bound, limit = BOUNDS[name]
        return "out-of-range", f"{text} is {bound} {context[limit]}", remedy
    if name in {"too_short", "string_too_short"}:
        return *_too_short(value, text, context["min_length"]), remedy
    return "wrong-form", _wrong_form(name, value, text, field, error), remedy


def _too_short(value: Any, text: str, least: int) -> tuple[str, str]:
    if not value:
        return "empty-value", "is empty"
    return "out-of-range", f"{text} is shorter than {least} characters"


def is_run_together(key: str) -> bool:
    """``password:hunter2``: a key and its value without the space between them, which may be a secret."""
    return (":" in key and not key.startswith(f"{PROJECT}:")) or bool(flaw.TOLD.search(key))


def _unknown(key: str, value: Any, known: Sequence[str]) -> tuple[str, str, str]:
    if is_run_together(key):
        what = "has no space after its colon" if ":" in key else "has = where a colon and a space are wanted"
        return "unknown-key", what, "write `key: value`"
    if SECRETIVE.search(key) and isinstance(value, str):
        remedy = f"take a new value where it is one; {PROJECT}:secrets holds them encrypted"
        return "plain-secret", "unknown key with the name of a secret", remedy
    rule, what = "unknown-key", f"unknown key{near_miss(key, known)}"
    if key.startswith(f"{PROJECT}:"):
        return (
            rule,
            "is a section, and stands below another one",
            "move it to the left, directly below config:",
        )
    if len(known) <= MOST_KEYS:
        return rule, what, f"known keys here: {', '.join(known)}"
    listed = list(dict.fromkeys([*_alike(key, known), *known]))[:MOST_KEYS]
    more = f"{len(known) - len(listed)} more (stacks/reference.yaml)"
    return rule, what, f"known keys here: {', '.join(listed)} and {more}"


def _no_word(value: Any, text: str, field: FieldInfo | None) -> tuple[str, str]:
    if isinstance(value, dict | list):
        return "wrong-type", f"is {kind(value)}, and a word is wanted"
    return "not-in-vocabulary", f"unknown value {text}{near_miss(str(value), fields.vocabulary_of(field))}"


def _keys_below(field: FieldInfo | None) -> str:
    inner = models_in(field.annotation) if field else []
    names = list(inner[0].model_fields) if inner else []
    return f"write keys below it: {', '.join(names[:MOST_KEYS])}{', …' if len(names) > MOST_KEYS else ''}"


def _nothing(name: str, field: FieldInfo | None) -> tuple[str, str]:
    if name == "missing":
        return "is missing", fields.remedy(field)
    if name in MAPPINGS:
        return "has nothing below it", f"{_keys_below(field)}; or take the line out"
    return "has no value", _joined("write one, or take the line out", fields.remedy(field))


def _wrong_type(
    name: str, value: Any, text: str, field: FieldInfo | None, *, quoted: bool
) -> tuple[str, str]:
    wanted, remedy = KINDS[name], fields.remedy(field)
    what = f"{'is' if isinstance(value, dict | list) else f'{text} is'} {kind(value)}, and {wanted} is wanted"
    if name == "bool_type" and isinstance(value, str) and value.lower() in BOOLEANS:
        plain = BOOLEANS[value.lower()]
        hint = f"{plain} without quotes" if value.lower() == plain else plain
        return what, _joined(f"write {hint}", field.description if field else None)
    if wanted == "a whole number":
        return _no_number(value, text, what, field, quoted=quoted)
    if name == "float_type" and quoted and FRACTION.fullmatch(str(value)):
        return what, _joined(f"write {value} without quotes", remedy)
    if name == "tuple_type" and isinstance(value, str) and text != MASK:
        return what, _joined(f"write [{text}]", remedy)
    if name == "string_type" and fields.takes(field, str(value)):
        return what, _joined(f'write "{value}" in quotes', remedy)
    if name == "string_type" and isinstance(value, int) and fields.takes(field, f"{value}Mi"):
        return f"{text} has no unit", _joined(
            f"write {text}Mi or {text}Gi", field.description if field else None
        )
    return what, remedy


def _no_number(value: Any, text: str, what: str, field: FieldInfo | None, *, quoted: bool) -> tuple[str, str]:
    whole, remedy = _whole(value), fields.remedy(field)
    if whole is not None and not fields.in_range(field, whole):
        return what, remedy
    if whole is not None and quoted and str(whole) == value:
        return what, _joined(f"write {whole} without quotes", remedy)
    if whole is not None:
        octal = f", or {int(value, 8)} where octal is meant" if OCTAL.fullmatch(str(value)) else ""
        return f"{text} is not a plain whole number", _joined(f"write {whole}{octal}", remedy)
    if isinstance(value, str) and WITH_UNIT.fullmatch(value):
        return what, _joined("write the number without its unit", remedy)
    if isinstance(value, str) and value.isdecimal() and not value.isascii():
        return f"{text} has digits other than 0 to 9", remedy
    if isinstance(value, str) and value.isdecimal():
        return f"{text} has too many digits", remedy
    return what, remedy


def _joined(first: str, second: str | None) -> str:
    return f"{first}{'. ' if (second or '')[:1].isupper() else '; '}{second}" if second else first


def _whole(value: Any) -> int | None:
    """The decimal number that ``010``, ``1_000``, ``0x1F``, ``1e3`` or ``12.0`` stands for."""
    text = str(value).strip()
    if isinstance(value, bool) or not NUMBER.fullmatch(text):
        return None
    text = text.replace("_", "").replace(",", "").lower()
    if text.lstrip("+-")[:2] in {"0x", "0o"}:
        return int(text, 0) if text.lstrip("+-")[2:] else None
    return int(float(text)) if "e" in text or "." in text else int(text)


def _wrong_form(name: str, value: Any, text: str, field: FieldInfo | None, error: Any) -> str:
    if name == "string_too_long":
        return f"{text} is longer than {error['ctx']['max_length']} characters"
    if name == "string_pattern_mismatch":
        meant = QUANTITY.fullmatch(str(value))
        guess = f"{meant[1]}{meant[2].upper()}i" if meant else ""
        hint = f"; did you mean {guess}?" if meant and fields.takes(field, guess) else ""
        return f"{text} does not have the right form{hint}"
    message = str(error["msg"])
    hint = near_miss(str(value), available_timezones()) if name == "time_zone" else ""
    return f"{text} {message[:1].lower()}{message[1:]}{hint}"
