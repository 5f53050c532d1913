"""W3C Trace Context, level 1: what is accepted, what is not, and what is written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.monitoring.trace import LONGEST, Trace, new_id, trace_of

pytestmark = pytest.mark.unit
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"01-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be", True),
        (f"fe-{TRACE}-{SPAN}-00-", False),
    ],
)
def test_a_valid_header_continues_its_trace(header: str, sampled: bool) -> None:
    trace = trace_of([header])
    assert (trace.trace_id, trace.sampled) == (TRACE, sampled)
    assert trace.span_id != SPAN
    assert trace.traceparent == f"00-{TRACE}-{trace.span_id}-0{int(sampled)}"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-0A",
        f"0A-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"01-{TRACE}-{SPAN}-01more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00_{TRACE}_{SPAN}_01",
        f"00-{'g' * 32}-{SPAN}-01",
        f"00-{'１' * 32}-{SPAN}-01",
        f"01-{TRACE}-{SPAN}-01-" + "x" * LONGEST,
    ],
)
def test_any_other_header_begins_a_new_trace(header: str) -> None:
    trace = trace_of([header])
    assert trace.trace_id != TRACE
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", trace.traceparent)


def test_two_headers_are_none() -> None:
    assert trace_of([f"00-{TRACE}-{SPAN}-01"] * 2).trace_id != TRACE


@given(st.text(max_size=80))
def test_whatever_is_sent_the_answer_is_a_valid_header(header: str) -> None:
    assert trace_of([trace_of([header]).traceparent]).trace_id != "0" * 32


def test_ids_are_never_all_zero_and_of_the_right_length() -> None:
    ids = {new_id(8) for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(len(made) == 16 and made[-2:] != "00" for made in ids)
    assert Trace("a" * 32, "b" * 16).traceparent.endswith("-00")
