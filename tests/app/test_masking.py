"""Nothing personal and no secret leaves the process in a log line, and nothing innocent is lost.

The corpus holds one case a line: a text, what of it must be gone, and what must stay.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

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
        "session",
        "session_id",
        "otp",
        "login-otp",
        "pin",
        "cvc",
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
        "token_type",
        "email_verified",
        "mapping",
        "spin",
        "sessions",
    ],
)
def test_innocent_names_are_not_guarded(name: str) -> None:
    assert not is_guarded(name)


def test_a_truth_is_nobodys_whatever_its_name() -> None:
    assert Masker().value({"has_password": True, "phone": False}) == {"has_password": True, "phone": False}


def test_of_a_list_of_pairs_the_first_of_each_is_a_name() -> None:
    headers = [
        ["password", "x"],
        (b"X-Api-Key", b"y"),
        ["accept", "json"],
        ["otp", None],
        ["email", "a", "b"],
    ]
    assert Masker().value(headers) == [
        ["password", MASK],
        ["X-Api-Key", MASK],
        ["accept", "json"],
        ["otp", None],
        ["email", "a", "b"],
    ]
    assert Masker().value(["email", "phone"]) == ["email", "phone"]


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
