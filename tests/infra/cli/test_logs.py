"""`slipway logs` on VictoriaLogs itself, one for each store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
import typer
from typer.testing import CliRunner, Result

from infra import stack as stacks
from infra.cli import verbs
from infra.errors import UserError
from infra.render import logs
from infra.settings.logs import Store
from tests.infra.logs.programs import Program, running
from tests.infra.mocks import settings

pytestmark = pytest.mark.unit
TRACE = "4f9d2c1e8b7a4c55a1d0f3e2b6c7d8e9"
NAMES = {"app": logs.APP, "pod": logs.POD, "container": logs.CONTAINER}


def row(minutes: float, message: str, app: str = "service", **fields: str) -> dict[str, str]:
    """A line of so many minutes ago, as vlagent sends it."""
    moment = datetime.now(UTC) - timedelta(minutes=minutes)
    where = {logs.APP: app, logs.POD: f"{app}-0", logs.CONTAINER: app, logs.NAMESPACE: "sandbox"}
    return {"_time": moment.isoformat().replace("+00:00", "Z"), "_msg": message, **where, **fields}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Store, Program]]:
    """Both, with some lines of a quarter of an hour."""
    folder = tmp_path_factory.mktemp("stores")
    with ExitStack() as stack:
        found = {}
        for store in Store:
            command = logs.store_command(settings("sandbox"), store)
            replaced = {f"={logs.DATA}/": f"={folder}/{store}/"}
            found[store] = stack.enter_context(running(command, folder / store, replaced))
        found[Store.SERVICE].take(
            [
                row(10, "request", level="info", trace_id=TRACE, request_id="mine-1", status="500"),
                row(9, "unhandled exception", level="error", trace_id=TRACE, exception="Traceback:\n  boom"),
                row(8, "slow [red]statement[/red]", level="warning", trace_id="0" * 31 + "1"),
                row(7, "chatter", level="debug"),
                row(90, "an hour and a half ago", level="error"),
            ],
            *logs.STREAM_FIELDS,
        )
        found[Store.PARTS].take(
            [
                row(9.5, '2026 UTC [1] a@b ERROR:  relation "x" does not exist', "postgres"),
                row(6, "1:M 28 Nov 2026 11:29:41.369 * Ready to accept \x1b[31mconnections", "redis"),
            ],
            *logs.STREAM_FIELDS,
        )
        yield found


@pytest.fixture(autouse=True)
def outputs(stores: dict[Store, Program], monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    addresses = {store.value: program.url for store, program in stores.items()}
    found: dict[str, object] = {"namespace": "sandbox", "logs": addresses}
    monkeypatch.setattr(stacks, "outputs", lambda _stack: found)
    monkeypatch.setattr(stacks, "environment", lambda _stack: {})
    return found


def slipway(*arguments: str) -> Result:
    app = typer.Typer()
    verbs.register(app)
    return CliRunner().invoke(app, ["logs", *arguments], env={"COLUMNS": "80"})


def messages(*arguments: str) -> list[str]:
    done = slipway(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return [json.loads(line)["message"] for line in done.stdout.splitlines()]


def test_lines_of_all_pods_stand_in_the_order_of_time() -> None:
    found = messages()
    assert [message.split()[0] for message in found] == [
        "request", "2026", "unhandled", "slow", "chatter", "1:M",
    ]  # fmt: skip


def test_a_request_is_found_by_its_trace_id_and_by_its_own_id() -> None:
    assert messages("--trace", TRACE) == ["request", "unhandled exception"]
    assert messages("--trace", f"00-{TRACE}-00f067aa0ba902b7-01") == ["request", "unhandled exception"]
    assert messages("--trace", "mine-1") == ["request"]


def test_a_level_is_that_level_and_worse_also_of_who_writes_no_json() -> None:
    errors = ['2026 UTC [1] a@b ERROR:  relation "x" does not exist', "unhandled exception"]
    assert messages("--level", "error") == errors
    assert messages("--level", "warning") == [*errors, "slow [red]statement[/red]"]
    assert "chatter" not in messages("--level", "info")
    assert len(messages("--level", "info")) == 5
    assert len(messages("--level", "debug")) == 6
    assert messages("--level", "critical") == []


def test_a_part_and_words_narrow_it_further() -> None:
    assert len(messages("--app", "postgres")) == 1
    assert messages("--grep", "UNHANDLED exception") == ["unhandled exception"]
    assert messages("--grep", "boom") == ["unhandled exception"], "in the trace back"
    assert messages("--grep", "exception", "--app", "redis") == []


def test_the_span_of_time_is_as_asked() -> None:
    assert messages("--level", "error", "--since", "2h")[0] == "an hour and a half ago"
    assert messages("--since", "2h", "--until", "1h") == ["an hour and a half ago"]


def test_of_more_lines_than_wanted_the_newest_are_shown_and_that_is_told() -> None:
    done = slipway("--limit", "2", "--json")
    assert [json.loads(line)["message"][:7] for line in done.stdout.splitlines()] == ["chatter", "1:M 28 "]
    assert "The newest 2 lines" in done.stderr


@pytest.mark.parametrize(
    "words", ['" or *', "x\\", '") or ("', "' or _msg:*", "| delete _msg", "{}", "😀 \u2028"]
)
def test_no_words_become_a_part_of_the_query(words: str, stores: dict[Store, Program]) -> None:
    done = slipway("--grep", words, "--json")
    if done.exit_code:  # a character that is not printable
        assert isinstance(done.exception, UserError)
        assert "has characters that no line has" in str(done.exception)
    else:
        assert done.stdout == ""


def test_people_read_time_pod_level_message_and_fields() -> None:
    shown = slipway("--trace", TRACE).stdout.splitlines()
    assert len(shown) == 4
    assert shown[0].endswith(f" service-0 info     request request_id=mine-1 status=500 trace_id={TRACE}")
    assert shown[0][:11] == f"{datetime.now(UTC) - timedelta(minutes=10):%Y-%m-%d} "
    assert shown[1].endswith(f" service-0 error    unhandled exception trace_id={TRACE}")
    assert shown[2:] == ["    Traceback:", "      boom"]


def test_what_a_terminal_would_obey_is_shown_and_not_done() -> None:
    assert "\\x1b[31mconnections" in slipway("--app", "redis").stdout
    assert "slow [red]statement[/red]" in slipway("--grep", "slow").stdout


def test_where_nothing_is_found_it_says_what_was_searched() -> None:
    said = slipway("--trace", "nobody", "--level", "error").stdout
    assert said == "Nothing found in sandbox: trace nobody, level error or worse, in all that is kept.\n"
    assert slipway("--trace", "nobody", "--json").stdout == ""


def test_a_stack_that_keeps_no_lines_says_how_it_would(outputs: dict[str, object]) -> None:
    outputs.pop("logs")
    assert str(slipway().exception) == (
        "slipway:logs.enabled: false: sandbox keeps no lines\n"
        "  → set enabled: true, then: slipway up sandbox; until then: kubectl logs"
    )
    outputs.pop("namespace")
    assert str(slipway().exception).startswith("stack sandbox: is not up")


def test_a_store_that_is_away_is_told_in_words(outputs: dict[str, object]) -> None:
    outputs["logs"] = {store.value: "http://127.0.0.1:9" for store in Store}
    assert "http://127.0.0.1:9: does not answer: " in str(slipway().exception)
    assert "http://127.0.0.1:9: does not answer: " in str(slipway("--follow").exception)


def test_following_has_no_end() -> None:
    assert "--follow: has no end before --until" in str(slipway("--follow", "--until", "1h").exception)


FOLLOWING = """
import json, sys
from infra import stack as stacks
stacks.outputs = lambda _stack: {{"namespace": "sandbox", "logs": {addresses}}}
stacks.environment = lambda _stack: {{}}
sys.argv = ["slipway", "logs", "--follow", "--grep", "followed", "--json"]
from infra.cli import main
main()
"""


def test_lines_are_followed_as_they_come_until_ctrl_c(stores: dict[Store, Program]) -> None:
    addresses = {store.value: program.url for store, program in stores.items()}
    program = FOLLOWING.format(addresses=addresses)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        end = time.monotonic() + 30
        seen: list[str] = []
        os.set_blocking(process.stdout.fileno(), False)
        number = 0
        while len(set(seen)) < 2 and time.monotonic() < end:
            number += 1
            for store, app in ((Store.SERVICE, "service"), (Store.PARTS, "postgres")):
                stores[store].take([row(0, f"followed {number}", app)], *logs.STREAM_FIELDS)
            seen += [json.loads(line)["app"] for line in process.stdout if line.strip()]
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert set(seen) == {"service", "postgres"}
    assert process.returncode == 0, said
    assert said == ""
