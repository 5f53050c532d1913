"""What went wrong in a run of Pulumi, by the engine's own events (``--event-log``: a JSON object a line)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

COLOUR = re.compile(r"<\{%[^%]*%\}>")
FLAG = "--event-log"
SHOWN_BY = {
    "PULUMI_DEBUG_COMMANDS": "true"
}  # the CLI takes the flag only with this; its Automation API sets it
STACK = "::pulumi:pulumi:Stack::"  # whose own errors only say that there were some


def errors(log: Path) -> tuple[str, ...]:
    """What each resource's error was, once each, by its name (apitype.DiagnosticEvent, pulumi/sdk v3); empty
    where there was none, or the run ended before it wrote anything."""
    if not log.is_file():
        return ()
    return tuple(dict.fromkeys(_errors(log.read_text(encoding="utf-8").splitlines())))


def _errors(lines: list[str]) -> Iterator[str]:
    for line in lines:
        try:
            event = json.loads(line).get("diagnosticEvent") or {}
        except ValueError:
            continue  # the last line of a run that was killed
        urn = event.get("urn", "")
        if event.get("severity") == "error" and urn and STACK not in urn:
            message = COLOUR.sub("", event["message"]).strip().removeprefix("error: ")
            yield f"{urn.rpartition('::')[2]}: {message}"
