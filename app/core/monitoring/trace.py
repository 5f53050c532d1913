"""W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context-1/): the trace, and our part in it.

``tracestate`` is not read nor passed on: this service keeps no vendor's data and sends requests to nobody on
a caller's behalf; §3.5 allows to drop it.
"""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

VERSION = "00"  # the version we write; what we read may be later
SAMPLED = 0x01  # the only flag of level 1
NO_TRACE = "0" * 32
NO_SPAN = "0" * 16
# §3.2: later versions may append fields, separated by a dash; ff is no version.
TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\x20-\x7e]*)?")
LONGEST = 512  # characters of a later version's header that are looked at


class Trace(NamedTuple):
    """The trace a request belongs to and the id of this service's span in it; ``parent`` is the caller's
    span, None in a new trace."""

    trace_id: str
    span_id: str
    sampled: bool = False
    parent: str | None = None

    @property
    def traceparent(self) -> str:
        """The header that names this span as the parent."""
        return f"{VERSION}-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


def trace_of(headers: list[str]) -> Trace:
    """A new span: in the trace of the one traceparent header, in a new trace where there is no valid one."""
    found = TRACEPARENT.fullmatch(headers[0]) if len(headers) == 1 and len(headers[0]) <= LONGEST else None
    span = new_id(8)
    if found is None:
        return Trace(new_id(16), span)
    version, trace, parent, flags, more = found.groups()
    if trace == NO_TRACE or parent == NO_SPAN or (version == VERSION and more is not None):
        return Trace(new_id(16), span)
    return Trace(trace, span, bool(int(flags, 16) & SAMPLED), parent)


def new_id(length: int) -> str:
    """Random bytes in lower-case hexadecimal, never all zero."""
    return secrets.token_hex(length - 1) + f"{1 + secrets.randbelow(255):02x}"
