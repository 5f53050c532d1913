"""Releases as Pulumi's own history tells them: each step was an update with a message and a configuration.

Nothing is kept beside it, so that the history and what was done cannot differ.
"""

from __future__ import annotations

import getpass
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from infra import stack as stacks
from infra.engine.cli import capture

MESSAGE = re.compile(
    r"^release (?P<number>\d+): (?P<step>[a-z]+) (?P<image>\S+) by (?P<who>\S+)(?:: (?P<why>.*))?$", re.DOTALL
)
# Who pressed the button where a pipeline runs (GitHub: "Default environment variables"; GitLab: "Predefined
# CI/CD variables").
ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")
PAGE = 200  # updates that are asked for at once


class Step(StrEnum):
    """What did an update do for its release?"""

    TRY = "try"  # a candidate beside what has the traffic
    ROLL = "roll"  # pod by pod
    FLIP = "flip"  # the traffic goes to the candidate
    BACK = "back"  # the traffic, or the pods, are the old ones again
    END = "end"  # the other colour goes


@dataclass(frozen=True)
class Done:
    """One release. ``result`` in words; ``began``, ``ended``: RFC 3339, ``ended`` empty while it lasts."""

    number: int
    image: str
    who: str
    began: str
    ended: str
    result: str

    @property
    def took(self) -> str:
        """``42 s`` from its first step to the end of its last; a dash while it lasts."""
        if not self.ended:
            return "-"
        seconds = datetime.fromisoformat(self.ended) - datetime.fromisoformat(self.began)
        return f"{seconds.total_seconds():.0f} s"

    @property
    def served(self) -> bool:
        """Whether it ever had the traffic for good."""
        return self.result.startswith(("live", "served"))


def actor() -> str:
    """Who releases: whom the pipeline names, else this machine's user."""
    named = next((os.environ[name] for name in ACTORS if os.environ.get(name)), "")
    return re.sub(r"\s+", "-", named or getpass.getuser())


def message(number: int, step: Step, image: str, why: str = "") -> str:
    """What an update says of itself."""
    return f"release {number}: {step} {image} by {actor()}" + (f": {why}" if why else "")


def releases(stack: str) -> list[Done]:
    """The newest first, as far as Pulumi's history goes back (PAGE updates). Raises UserError."""
    answer = capture(
        ["stack", "history", "--json", "--stack", stack, "--page-size", str(PAGE)], stacks.environment(stack)
    )
    return told(json.loads(answer or "[]"))


def told(updates: Iterable[Mapping[str, Any]]) -> list[Done]:
    """What the updates, the newest first, say of releases."""
    steps: dict[int, list[tuple[re.Match[str], Mapping[str, Any]]]] = {}
    for update in updates:
        if found := MESSAGE.match(update.get("message", "").strip()):
            steps.setdefault(int(found["number"]), []).append((found, update))
    newest_first = sorted(steps, reverse=True)
    live = next((number for number in newest_first if _has_traffic(steps[number])), None)
    return [_done(number, steps[number], live) for number in newest_first]


def _has_traffic(steps: list[tuple[re.Match[str], Mapping[str, Any]]]) -> bool:
    found, update = steps[0]
    last = found["step"]
    return update.get("result") == "succeeded" and last in {Step.FLIP, Step.END, Step.ROLL}


def _done(number: int, steps: list[tuple[re.Match[str], Mapping[str, Any]]], live: int | None) -> Done:
    (_, update), (first, begin) = steps[0], steps[-1]
    return Done(
        number=number,
        image=first["image"],
        who=first["who"],
        began=begin["startTime"],
        ended=update.get("endTime", ""),
        result=_result(steps, number == live),
    )


def _result(steps: list[tuple[re.Match[str], Mapping[str, Any]]], live: bool) -> str:
    last, update = steps[0]
    why = " ".join((last["why"] or "").split())
    if last["step"] == Step.BACK:
        return f"went back: {why}" if why else "went back"
    if update.get("result") != "succeeded":
        return f"{last['step']} {update.get('result', 'under way')}"
    if last["step"] == Step.TRY:
        return "is tried"
    return "live" if live else "served"


def images(stack: str) -> dict[int, str]:
    """Number → image of every release that had the traffic."""
    return {done.number: done.image for done in releases(stack) if done.served}
