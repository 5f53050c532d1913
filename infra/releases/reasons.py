"""Why a release failed, in words: what Pulumi says of a resource, and what the checks counted."""

from __future__ import annotations

import json
from typing import Any

FAILED = "checks failed"  # the last line of `python -m app.smoke` (docs/service.md)
SHOWN = 3  # checks that are named with their reason


def in_words(reason: str) -> str:
    """The same, shorter where the checks themselves say at the end what they found."""
    counted = next((found for line in reversed(reason.splitlines()) if (found := _summary(line))), None)
    if counted is None:
        return reason
    failed, requests = counted["failed"], counted["requests"]
    named = [f"{check}: {why}" for check, why in counted["by_check"].items()]
    more = [f"{len(named) - SHOWN} more"] if len(named) > SHOWN else []
    share = f"{failed / requests:.1%}".replace("%", " %") if requests else "all"
    return f"{share} of {requests} requests of the checks failed; {'; '.join([*named[:SHOWN], *more])}"


def _summary(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("event") == FAILED else None
