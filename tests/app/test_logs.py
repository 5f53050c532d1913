"""Log lines: JSON, one an event, whoever speaks, whatever is said, and of a bounded length."""

from __future__ import annotations

import json
import logging
import warnings
from typing import Any

import httpx
import pytest

from app.core import logs
from app.core.logs import LINE_BYTES
from app.core.masking import VALUE_CHARACTERS
from app.core.masking_shapes import MASK

SECRETS = ("hunter22hunter22", "t0ken-of-the-tests-0123456789")
Lines = pytest.CaptureFixture[str]


class Unspeakable:
    """Something whose text cannot be made."""

    def __str__(self) -> str:
        raise ValueError("no words")


def lines(capsys: Lines) -> list[dict[str, Any]]:
    said = capsys.readouterr()
    assert said.err == ""
    return [json.loads(line) for line in said.out.splitlines()]


@pytest.mark.unit
def test_every_library_speaks_json_on_one_line(capsys: Lines) -> None:
    logs.configure("INFO", SECRETS)
    logging.getLogger("uvicorn.error").info("Started %s", "x", extra={"color_message": "\x1b[36m"})
    logging.getLogger("alembic.runtime.migration").info("two\nlines")
    logs.logger("app").info("한국어", number=1, nested={"a": [1, None, True]})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", UserWarning, stacklevel=1)
    found = lines(capsys)
    assert [line["event"] for line in found[:3]] == ["Started x", "two\nlines", "한국어"]
    assert (found[2]["number"], found[2]["nested"]) == (1, {"a": [1, None, True]})
    assert "old" in found[3]["event"]
    assert all({"event", "module", "level", "timestamp"} <= set(line) for line in found)
    assert [line["module"] for line in found[:3]] == ["uvicorn.error", "alembic.runtime.migration", "app"]
    assert not any("color_message" in line for line in found)


@pytest.mark.unit
def test_an_exception_is_one_line_without_the_secret_in_it(capsys: Lines) -> None:
    logs.configure("INFO", SECRETS)

    def broken() -> None:
        raise RuntimeError(f"cannot use {SECRETS[0]}")

    try:
        broken()
    except RuntimeError:
        logs.logger("app").exception("failed", url=f"redis://:{SECRETS[0]}@h/0")
        logging.getLogger("library").exception("failed too")
    found = lines(capsys)
    assert all("Traceback" in line["exception"] for line in found)
    assert [line["level"] for line in found] == ["error", "error"]
    assert not any(secret in json.dumps(found) for secret in SECRETS)


@pytest.mark.unit
def test_below_the_level_nothing_is_said(capsys: Lines) -> None:
    logs.configure("WARNING")
    logs.logger("app").info("quiet")
    logging.getLogger("library").info("quiet")
    assert lines(capsys) == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("message", "arguments", "said"),
    [
        ("%s of %d", ("one", 2), "one of 2"),
        ("%(a)s", ({"a": "named"},), "named"),
        ("%d%%", (50,), "50%"),
        ("too few %s %s", ("one",), "too few %s %s"),
        ("too many", ("one",), "too many"),
        ("no number %d", ("x",), "no number %d"),
        ("no key %(b)s", ({"a": 1},), "no key %(b)s"),
        ("half a %", ("x",), "half a %"),
    ],
)
def test_arguments_are_put_in_and_wrong_ones_stand_beside(
    capsys: Lines, message: str, arguments: tuple[Any, ...], said: str
) -> None:
    logs.configure("INFO")
    logs.logger("app").info(message, *arguments)
    logging.getLogger("library").info(message, *arguments)
    found = lines(capsys)
    assert [line["event"] for line in found] == [said, said]
    assert all(("arguments" in line) == (said == message) for line in found)


@pytest.mark.unit
@pytest.mark.parametrize(
    "value",
    [
        Unspeakable(),
        [Unspeakable()],
        {Unspeakable(): 1},
        float("nan"),
        "\ud800",
        b"\xff",
        {1, 2},
        object,
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}},
        10**5000,
        "\x00\u2028\x85\x1b[31m",
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_said_a_log_call_never_raises_and_makes_one_line(capsys: Lines, value: object) -> None:
    logs.configure("INFO")
    logs.logger("app").info("said", value=value)
    logs.logger("app").info("said %s", value)
    logging.getLogger("library").info("said %s", value, extra={"value": value})
    assert len(lines(capsys)) == 3


@pytest.mark.unit
def test_a_message_without_words_is_a_line_that_says_so(capsys: Lines) -> None:
    logs.configure("INFO")
    logging.getLogger("library").info(Unspeakable())
    (line,) = lines(capsys)
    assert (line["event"], line["reason"]) == ("a log record cannot be formatted", "ValueError")


@pytest.mark.unit
def test_a_value_that_holds_itself_ends(capsys: Lines) -> None:
    logs.configure("INFO")
    circle: dict[str, Any] = {"name": "circle"}
    circle["all"] = [circle] * 300
    logs.logger("app").info("said", circle=circle, after=1)
    (line,) = lines(capsys)
    assert (line["event"], line["after"]) == ("said", 1)


@pytest.mark.unit
@pytest.mark.parametrize(
    "fields",
    [
        {"event": "x" * 1_000_000},
        {"event": "said", "value": "가" * 1_000_000},
        {"event": "said", **{f"field{number}": "가" * 500 for number in range(100)}},
        {"event": "said", "k" * 100_000: 1},
        {"event": "said", "numbers": list(range(10_000))},
        {"event": "가" * 10_000, "exception": "가" * 100_000, "stack": "\x00" * 100_000},
    ],
    ids=["event", "value", "fields", "name", "numbers", "traceback"],
)
def test_a_line_stays_below_the_length_at_which_runtimes_split_it(
    capsys: Lines, fields: dict[str, Any]
) -> None:
    logs.configure("INFO")
    logs.logger("app").info(**fields)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert len(out.encode()) <= LINE_BYTES + 1
    line = json.loads(out)
    assert line["event"][:4] == fields["event"][:4]
    assert {"timestamp", "level", "module"} <= set(line)


@pytest.mark.unit
def test_of_a_long_traceback_the_end_is_kept_and_of_other_texts_the_beginning(capsys: Lines) -> None:
    logs.configure("INFO")
    logs.logger("app").info("said", exception="begin" + "-" * 50_000 + "end", value="begin" + "-" * 50_000)
    (line,) = lines(capsys)
    assert line["exception"].endswith("-end")
    assert line["value"].startswith("begin-")
    assert len(line["value"]) <= VALUE_CHARACTERS + 1


@pytest.mark.unit
def test_a_secret_at_a_cut_does_not_show_its_half(capsys: Lines) -> None:
    logs.configure("INFO", SECRETS)
    many = f"{SECRETS[0]} " * 1882  # masked they are short, so that the cut comes into sight
    logs.logger("app").info(many + SECRETS[0])
    (line,) = lines(capsys)
    assert set(line["event"].replace(MASK, "")) <= {" ", "…"}


@pytest.mark.integration
async def test_a_request_is_one_line_with_its_route_and_never_its_query(
    alice: httpx.AsyncClient, capsys: Lines
) -> None:
    logs.configure("INFO")
    await alice.get("/transactions?q=private", headers={"X-Request-ID": "r-1"})
    (line,) = [line for line in lines(capsys) if line["event"] == "request"]
    assert (line["method"], line["route"], line["status"], line["request_id"]) == (
        "GET",
        "/transactions",
        200,
        "r-1",
    )
    assert len(line["trace_id"]) == 32
    assert line["ms"] > 0
    assert "private" not in json.dumps(line)


@pytest.mark.integration
async def test_the_line_of_a_refused_request_has_the_error_code(
    anonymous: httpx.AsyncClient, capsys: Lines
) -> None:
    logs.configure("INFO")
    await anonymous.get("/categories")
    (line,) = [line for line in lines(capsys) if line["event"] == "request"]
    assert (line["status"], line["error_code"]) == (401, "ERR_1100")


@pytest.mark.integration
async def test_probes_that_succeed_do_not_fill_the_log(anonymous: httpx.AsyncClient, capsys: Lines) -> None:
    logs.configure("INFO")
    for path in ("/health", "/readiness", "/liveness", "/metrics"):
        assert (await anonymous.get(path)).status_code == 200
    assert [line for line in lines(capsys) if line["event"] == "request"] == []
