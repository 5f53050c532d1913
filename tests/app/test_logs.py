"""Log lines: JSON, one an event, whoever speaks; and no secret in any of them."""

from __future__ import annotations

import json
import logging
import warnings
from typing import Any

import httpx
import pytest

from app.core import logs
from app.core.masking import MASK, Masker

SECRETS = ("hunter22hunter22", "t0ken-of-the-tests-0123456789")
Lines = pytest.CaptureFixture[str]


def lines(capsys: Lines) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


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
    assert all({"event", "logger", "level", "timestamp"} <= set(line) for line in found)
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
    assert not any(secret in json.dumps(found) for secret in SECRETS)


@pytest.mark.unit
def test_below_the_level_nothing_is_said(capsys: Lines) -> None:
    logs.configure("WARNING")
    logs.logger("app").info("quiet")
    logging.getLogger("library").info("quiet")
    assert lines(capsys) == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def-ghi_jkl=", f"Authorization: Bearer {MASK}"),
        ("bearer AAAA", f"bearer {MASK}"),
        ("postgresql+asyncpg://u:p%40ss@h:5/d", f"postgresql+asyncpg://u:{MASK}@h:5/d"),
        ("redis://:secret@h and redis://:other@h", f"redis://:{MASK}@h and redis://:{MASK}@h"),
        (f"x{SECRETS[0]}y", f"x{MASK}y"),
        ("http://host:8000/path is no secret", "http://host:8000/path is no secret"),
        ("the bearer of bad news", f"the bearer {MASK} bad news"),
    ],
)
def test_secrets_are_masked_by_their_shape_and_their_value(text: str, masked: str) -> None:
    assert Masker(SECRETS).text(text) == masked


@pytest.mark.unit
def test_secrets_are_masked_by_their_name_at_any_depth() -> None:
    event = {
        "password": "a",
        "nested": [{"API_KEY": "b", "token": None, "innocent": 5}, ("c", SECRETS[1])],
        "DATABASE_URL": "d",
        "compass": "north",
        "error": ValueError(SECRETS[0]),
    }
    assert Masker(SECRETS).value(event) == {
        "password": MASK,
        "nested": [{"API_KEY": MASK, "token": None, "innocent": 5}, ["c", MASK]],
        "DATABASE_URL": MASK,
        "compass": "north",
        "error": MASK,
    }


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
    assert line["ms"] > 0
    assert "private" not in json.dumps(line)


@pytest.mark.integration
async def test_probes_that_succeed_do_not_fill_the_log(anonymous: httpx.AsyncClient, capsys: Lines) -> None:
    logs.configure("INFO")
    for path in ("/health", "/readiness", "/liveness", "/metrics"):
        assert (await anonymous.get(path)).status_code == 200
    assert [line for line in lines(capsys) if line["event"] == "request"] == []
