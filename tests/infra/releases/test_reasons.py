"""Why a release failed, as people read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.releases.reasons import in_words

pytestmark = pytest.mark.unit
SAID = "service-checks-job: the job failed; its last lines:"


def summary(**by_check: str) -> str:
    found: dict[str, Any] = {"event": "checks failed", "requests": 1090, "failed": 13, "by_check": by_check}
    return json.dumps(found)


def test_of_checks_their_share_and_the_first_reasons_are_told() -> None:
    lines = [
        SAID,
        '    {"event": "check failed", "check": "export"}',
        f"    {summary(export='500', me='502')}",
    ]
    assert in_words("\n".join(lines)) == ("1.2 % of 1090 requests of the checks failed; export: 500; me: 502")


def test_no_more_than_three_checks_are_named() -> None:
    told = in_words(f"{SAID}\n{summary(a='1', b='2', c='3', d='4', e='5')}")
    assert told.endswith("a: 1; b: 2; c: 3; 2 more")


@pytest.mark.parametrize(
    "reason", ["it ended with exit code 137 (OOMKilled)", f"{SAID}\n    no JSON", f"{SAID}\n    [1]", ""]
)
def test_whatever_else_failed_is_told_as_pulumi_says_it(reason: str) -> None:
    assert in_words(reason) == reason
