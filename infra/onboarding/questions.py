"""The questions of ``slipway init`` at a terminal: each with its default, validated as it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import questionary

from infra.onboarding import answers
from infra.onboarding.answers import QUESTIONS, Answers, Given
from infra.settings.modules import Module


def ask(given: Given, known: Callable[[str], None]) -> None:
    """Put what is not given into ``given``. Raises KeyboardInterrupt on Ctrl-C.

    known: called with the team's name once it is settled, before anything else is asked.
    """
    for key in QUESTIONS:
        if key not in given.raw:
            given.raw[key] = _question(key, given.raw)
        if key == "team" and not complaint(key, given.raw["team"], given.raw):
            known(given.raw["team"])


def replace(names: list[str]) -> bool:
    """Whether files that are there may be replaced."""
    text = f"{', '.join(names)}: there already. Replace, with new secrets (the old is kept as .bak)?"
    return bool(questionary.confirm(text, default=False).unsafe_ask())


def complaint(key: str, value: Any, raw: dict[str, Any]) -> str | None:
    """What is wrong with the answer, and the remedy, on one line; None where nothing is."""
    found = [item for item in answers.wrong({**raw, key: value}) if item[0][0] == key]
    return f"{found[0][2]}. {found[0][3]}" if found else None


def _question(key: str, raw: dict[str, Any]) -> Any:
    text = str(Answers.model_fields[key].description)
    offered = answers.defaults(raw).get(key, "")
    if key == "modules":
        choices = [questionary.Choice(name.value, checked=name in offered) for name in Module]
        return questionary.checkbox(
            text,
            choices,
            instruction="(space selects, Enter goes on)",
            validate=lambda chosen: complaint(key, chosen, raw) or True,
        ).unsafe_ask()
    return questionary.text(
        text, default=offered, validate=lambda value: complaint(key, value, raw) or True
    ).unsafe_ask()
