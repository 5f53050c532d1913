"""Clients that write to the running service all the time, and remember what was acknowledged."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.live.facts import eventually

CREATED = 201
ENTRY = {"date": "2020-01-01", "amount": "1.25", "type": "expense"}  # in no month that another test adds up
PAUSE_SECONDS = 0.03
TIMEOUT_SECONDS = 30.0


@dataclass
class Written:
    """``acknowledged``: ids of rows answered with 201; ``failures``: every request that was not."""

    acknowledged: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def told(self) -> str:
        """The failures, counted, for a message."""
        kinds = Counter(failure[:120] for failure in self.failures)
        return f"{len(self.acknowledged)} acknowledged, {len(self.failures)} failed: {dict(kinds)}"

    def wait_for(self, more: int, seconds: float = 120) -> None:
        """Returns once as many further rows are acknowledged: the load is there, or there again."""
        wanted = len(self.acknowledged) + more
        eventually(lambda: len(self.acknowledged) >= wanted, f"{more} more rows are acknowledged", seconds)


@contextmanager
def writers(api: httpx.Client, keeping: int = 4, connecting: int = 2) -> Iterator[Written]:
    """``keeping`` clients hold their connection, ``connecting`` make a new one for each request."""
    over, written = threading.Event(), Written()
    with ThreadPoolExecutor(keeping + connecting) as pool:
        for number in range(keeping + connecting):
            pool.submit(_write, api, written, over, keep=number < keeping)
        try:
            yield written
        finally:
            over.set()


def _write(api: httpx.Client, written: Written, over: threading.Event, *, keep: bool) -> None:
    headers = dict(api.headers) | ({} if keep else {"Connection": "close"})
    with httpx.Client(base_url=api.base_url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        number = 0
        while not over.wait(PAUSE_SECONDS):
            number += 1
            try:
                answer = client.post("/transactions", json={**ENTRY, "description": f"load {number}"})
            except httpx.TransportError as error:
                written.failures.append(repr(error))
                continue
            if answer.status_code == CREATED:
                written.acknowledged.append(answer.json()["id"])
            else:
                written.failures.append(f"{answer.status_code} {answer.text}")


def lost(api: httpx.Client, written: Written) -> list[str]:
    """The acknowledged rows that are not there; those that are, are deleted."""

    def missing(key: str) -> str | None:
        found = api.get(f"/transactions/{key}").status_code == httpx.codes.OK
        api.delete(f"/transactions/{key}")
        return None if found else key

    with ThreadPoolExecutor(4) as pool:
        return [key for key in pool.map(missing, written.acknowledged) if key]


def service_process(pod: dict[str, Any]) -> int:
    """The pid on this machine of a service pod's one process, found by its container's control group."""
    container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    groups = Path("/proc").glob("[0-9]*/cgroup")
    found = [int(group.parent.name) for group in groups if container in _text(group)]
    assert len(found) == 1, f"processes of {pod['metadata']['name']}: {found}"
    return found[0]


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
