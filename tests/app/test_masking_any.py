"""Whatever is made up in a form is gone from any text, what only looks alike stays, and time is linear."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.core.masking import Masker
from app.core.masking_shapes import MASK, is_card

pytestmark = pytest.mark.unit
KNOWN = "k3y-of-the-corpus-0123456789"
SURROUNDING = st.text(max_size=40)
# A number inside a hexadecimal word, behind a decimal point or before one is none of a person.
BEFORE = SURROUNDING.map(lambda text: text + " ")
AFTER = SURROUNDING.map(lambda text: " " + text)
LETTERS = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789._+-"), min_size=1, max_size=20)
NAMES = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=2, max_size=12)
DIGITS = st.text(st.sampled_from("0123456789"), min_size=11, max_size=18)
EXAMPLES = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@EXAMPLES
@given(SURROUNDING, LETTERS, NAMES, NAMES, SURROUNDING)
def test_any_made_up_email_is_gone_from_any_text(
    before: str, local: str, domain: str, top: str, after: str
) -> None:
    address = f"{local}@{domain}.{top}"
    assert address not in Masker().text(before + address + after)


@EXAMPLES
@given(
    BEFORE,
    st.sampled_from(["010", "+82 10", "+82-10", "82-10"]),
    st.integers(0, 9999),
    st.integers(0, 9999),
    st.sampled_from(["-", " ", "."]),
    AFTER,
)
def test_any_made_up_mobile_number_is_gone_from_any_text(
    before: str, prefix: str, middle: int, last: int, gap: str, after: str
) -> None:
    number = f"{prefix}{gap}{middle:04}{gap}{last:04}"
    assert number not in Masker().text(before + number + after)


@EXAMPLES
@given(BEFORE, st.sampled_from("3456"), DIGITS, st.sampled_from(["", " ", "-"]), AFTER)
def test_any_made_up_card_number_is_gone_from_any_text(
    before: str, first: str, body: str, gap: str, after: str
) -> None:
    body = (first + body)[:15] if gap else first + body[:17]
    digits = next(body + str(check) for check in range(10) if luhn(body + str(check)))
    assume(not gap or len(digits) == 16)
    number = gap.join(digits[at : at + 4] for at in range(0, 16, 4)) if gap else digits
    assert is_card(number)
    assert number not in Masker().text(before + number + after)


def luhn(digits: str) -> bool:
    """The plain rule: from the right, every second digit doubled."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


@EXAMPLES
@given(st.uuids(), st.datetimes(), st.decimals(0, 10**13, places=2), st.ip_addresses())
def test_made_up_ids_times_amounts_and_addresses_stay(
    key: Any, moment: Any, amount: Any, address: Any
) -> None:
    text = f"{key} {key.hex} {moment.isoformat()} {amount:.2f} {address} {key.hex}{key.hex}"
    assert Masker().text(text) == text


HARD = (
    *("a", "a.", "a@", "a@b.", "@", "%40", "1", "1-", "1 ", "1.1", "01012", "4111 ", "+1 1", "(", " ", "한"),
    *("eyJ", "eyJaaaaa.", "a://b:", "bearer ", "password=", "password='", "authorization: ", "12345678-"),
    *(
        "cookie: a",
        "cookie: a=b; ",
        "x-",
        "svix-signature: ",
        "v1,",
        '"a',
        '\\"',
        "api_key: ",
        "card",
        "010/",
    ),
    *("emp no ", "sk-", "tel ", "주민 ", "-----BEGIN PRIVATE KEY-----"),
)


@pytest.mark.parametrize("part", HARD)
def test_masking_takes_time_linear_in_the_length(part: str) -> None:
    """Doubling the length must not take four times as long; the least of three tries, since others run."""

    def seconds(length: int) -> float:
        text = (part * (length // len(part) + 1))[:length]
        tries = []
        for _ in range(3):
            begun = time.process_time()
            Masker([KNOWN]).text(text)
            tries.append(time.process_time() - begun)
        return min(tries)

    short, long = seconds(64_000), seconds(256_000)
    assert long < 8 * short + 0.02, (short, long)


@pytest.mark.slow
def test_a_line_of_a_megabyte_takes_time_in_proportion() -> None:
    text = "GET /orders of alice@example.org 010-1234-5678 paid 4111 1111 1111 1111 in 12.5 ms; "
    begun = time.process_time()
    Masker([KNOWN]).text(text * 600)
    fifty_kilobytes = time.process_time() - begun
    begun = time.process_time()
    masked = Masker([KNOWN]).text(text * 12_000)
    assert time.process_time() - begun < 40 * fifty_kilobytes
    assert masked.count(MASK) == 3 * 12_000
