"""Asks the stores of a stack, over the way by which this machine reaches its pods."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from infra import reach
from infra import stack as stacks
from infra.errors import UserError
from infra.logs.asking import Search, query
from infra.logs.lines import Line, in_order, of_row
from infra.settings.logs import Store

TIMEOUT_SECONDS = 40.0  # a store gives up a query after 30
LATE = "2s"  # so long a line may take from its pod to the store without being missed by who follows


@dataclass(frozen=True)
class Place:
    """Where a stack's lines are, by addresses that pods use."""

    stack: str
    stores: Mapping[Store, str]
    environment: Mapping[str, str]


def place(stack: str) -> Place:
    """Raises UserError where the stack is not up, or keeps no lines."""
    outputs = stacks.outputs_while_up(stack)
    if "logs" not in outputs:
        remedy = f"set enabled: true, then: slipway up {stack}; until then: kubectl logs"
        raise UserError.of("slipway:logs.enabled", f"false: {stack} keeps no lines", remedy)
    addresses = {Store(name): url for name, url in outputs["logs"].items()}
    return Place(stack, addresses, stacks.surroundings(stack))


def found(where: Place, wanted: Search, limit: int) -> list[Line]:
    """The newest ``limit`` lines, the oldest first. Raises UserError."""
    lines: list[Line] = []
    for store in wanted.stores:
        with _client(where, store) as client:
            answer = client.post("/select/logsql/query", data={**_asked(wanted), "limit": str(limit)})
            reach.accepted(where.stack, answer)
            lines += [of_row(json.loads(row)) for row in answer.text.splitlines() if row]
    return in_order(lines)[-limit:]


def followed(where: Place, wanted: Search) -> Generator[Line, None, None]:
    """Lines as they come, until the caller leaves. Raises UserError where a store ends."""
    coming: queue.Queue[Line | UserError] = queue.Queue()
    with ExitStack() as stack:
        for store in wanted.stores:
            answer = stack.enter_context(_tail(stack.enter_context(_client(where, store)), where, wanted))
            threading.Thread(target=_pass_on, args=(where, store, answer, coming), daemon=True).start()
        while True:
            item = coming.get()
            if isinstance(item, UserError):
                raise item
            yield item


@contextmanager
def _tail(client: httpx.Client, where: Place, wanted: Search) -> Iterator[httpx.Response]:
    data = {"query": query(wanted), "offset": LATE}
    if wanted.since:
        seconds = (datetime.now(UTC) - wanted.since).total_seconds()
        data["start_offset"] = f"{max(seconds, 1):.0f}s"
    timeout = httpx.Timeout(TIMEOUT_SECONDS, read=None)  # nothing may be said for hours
    with client.stream("POST", "/select/logsql/tail", data=data, timeout=timeout) as answer:
        if answer.is_error:
            answer.read()
        reach.accepted(where.stack, answer)
        yield answer


def _pass_on(
    where: Place, store: Store, answer: httpx.Response, coming: queue.Queue[Line | UserError]
) -> None:
    """Runs in a thread of its own until the store ends, or the caller has left and closed the connection."""
    why = "ended its answer"
    try:
        for row in answer.iter_lines():
            if row:
                coming.put(of_row(json.loads(row)))
    except (httpx.TransportError, httpx.StreamError) as error:
        why = f"ended its answer: {error}"
    coming.put(UserError.of(where.stores[store], why, f"slipway status {where.stack}"))


def _asked(wanted: Search) -> dict[str, str]:
    times = {"start": wanted.since, "end": wanted.until}
    return {
        "query": query(wanted),
        **{name: moment.isoformat() for name, moment in times.items() if moment},
    }


def _client(where: Place, store: Store) -> AbstractContextManager[httpx.Client]:
    return reach.asking(where.stack, where.stores[store], where.environment, TIMEOUT_SECONDS)
