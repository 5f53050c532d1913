"""How `slipway status` tells times."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.cli.status import ago

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-21T02:59:10Z", "02:59 UTC (0 min)"),
        ("2026-11-21T02:01:00Z", "02:01 UTC (59 min)"),
        ("2026-11-20T20:00:00Z", "20:00 UTC (7 h)"),
        ("2026-11-18T03:00:00Z", "2026-11-18 03:00 UTC (3 d)"),
        (None, "-"),
    ],
)
def test_a_start_is_told_with_how_long_ago_it_was(moment: str | None, words: str) -> None:
    assert ago(moment, NOW) == words
