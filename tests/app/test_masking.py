"""Nothing personal and no secret leaves the process in a log line, and nothing innocent is lost.

The corpus holds one case a line: a text, what of it must be gone, and what must stay.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.core import logs
from app.core.masking import Masker, is_guarded
from app.core.masking_shapes import MASK, is_card

pytestmark = pytest.mark.unit
KNOWN = "k3y-of-the-corpus-0123456789"
CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("masking_corpus.jsonl").read_text(encoding="utf-8").splitlines()
]
Lines = pytest.CaptureFixture[str]


def fail(text: str) -> None:
    raise RuntimeError(text)


def raise_with(text: str) -> None:
    try:
        fail(text)
    except RuntimeError:
        logging.getLogger("foreign").exception("failed")


# A text's ways into a log line; each must make a line with the field that is named.
WAYS: dict[str, tuple[Callable[[str], object], str]] = {
    "message": (lambda text: logs.logger("app").info(text), "event"),
    "argument": (lambda text: logs.logger("app").info("said %s", text), "event"),
    "field": (lambda text: logs.logger("app").info("said", value=text), "value"),
    "nested": (lambda text: logs.logger("app").info("said", value={"a": [(text,), {"b": text}]}), "value"),
    "foreign message": (lambda text: logging.getLogger("foreign").warning("%s", text), "event"),
    "foreign extra": (lambda text: logging.getLogger("foreign").info("said", extra={"value": text}), "value"),
    "exception": (raise_with, "exception"),
    "stack": (lambda text: logs.logger("app").info("said", stack=text), "stack"),
}


def test_the_corpus_is_large_and_has_both_kinds() -> None:
    assert len(CASES) >= 220
    assert sum(not case["gone"] for case in CASES) >= 100
    assert len({case["text"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("way", WAYS)
def test_of_the_corpus_everything_personal_is_gone_and_everything_innocent_stays(
    capsys: Lines, way: str
) -> None:
    say, field = WAYS[way]
    logs.configure("INFO", [KNOWN])
    for case in CASES:
        say(case["text"])
    written = capsys.readouterr().out.splitlines()
    assert len(written) == len(CASES)
    wrong = []
    for case, line in zip(CASES, written, strict=True):
        event = json.loads(line)
        del event["timestamp"]  # whose microseconds are any digits, those of the case among them
        said = json.dumps(event[field], ensure_ascii=False)
        whole = json.dumps(event, ensure_ascii=False)
        left = [part for part in case["gone"] if part in said or in_json(part) in whole]
        lost = [part for part in case["stays"] if in_json(part) not in said]
        wrong += [(case["text"], left, lost, said)] if left or lost else []
    assert wrong == []


def in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def test_secrets_are_masked_by_their_name_at_any_depth() -> None:
    event = {
        "password": "a",
        "nested": [{"API_KEY": "b", "token": None, "innocent": 5}, ("c", KNOWN)],
        "DATABASE_URL": "d",
        "compass": "north",
        "error": ValueError(KNOWN),
        "prompt_tokens": 12,
        "raw": KNOWN.encode(),
    }
    assert Masker([KNOWN]).value(event) == {
        "password": MASK,
        "nested": [{"API_KEY": MASK, "token": None, "innocent": 5}, ["c", MASK]],
        "DATABASE_URL": MASK,
        "compass": "north",
        "error": MASK,
        "prompt_tokens": 12,
        "raw": MASK,
    }


@pytest.mark.parametrize(
    "name",
    [
        "email",
        "e_mail",
        "user_email",
        "phone",
        "driver_phone",
        "mobile",
        "mobile_no",
        "employee_id",
        "emp_no",
        "rrn",
        "card_number",
        "cardNo",
        "사번",
        "휴대폰번호",
        "주민등록번호",
        "pwd",
        "set-cookie",
    ],
)
def test_fields_with_a_personal_name_are_masked_whatever_they_hold(name: str) -> None:
    assert Masker().value({name: 17}) == {name: MASK}


@pytest.mark.parametrize(
    "name",
    [
        "method",
        "route",
        "status",
        "count",
        "module",
        "event",
        "template",
        "automobile_type",
        "compass",
        "board",
        "discard_count",
        "telemetry",
        "employees",
        "principal",
        "mobile_dispatches",
    ],
)
def test_innocent_names_are_not_guarded(name: str) -> None:
    assert not is_guarded(name)


def test_a_number_that_is_a_card_is_masked_and_others_stay_numbers() -> None:
    numbers = [4111111111111111, 1768473000000, 12000, -3, 1.5, True, None]
    assert Masker().value(numbers) == [MASK, *numbers[1:]]


def test_names_of_fields_are_masked_too() -> None:
    assert Masker().value({"alice@example.org": 1}) == {MASK: 1}


@pytest.mark.parametrize(
    ("digits", "card"),
    [("4111111111111111", True), ("411111111111", False), ("4" * 20, False), ("1111111111111117", False)],
)
def test_a_card_number_has_its_length_its_beginning_and_its_check_digit(digits: str, card: bool) -> None:
    assert is_card(digits) is card


SURROUNDING = st.text(max_size=40)
# A number inside a hexadecimal word, behind a decimal point or before one is none of a person.
BEFORE = SURROUNDING.map(lambda text: text + " ")
AFTER = SURROUNDING.map(lambda text: " " + text)
LETTERS = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789._+-"), min_size=1, max_size=20)
NAMES = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=2, max_size=12)
DIGITS = st.text(st.sampled_from("0123456789"), min_size=11, max_size=18)
EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
