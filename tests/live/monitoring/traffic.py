"""A minute of bounded requests: both modules are read and written to, some requests are wrong on purpose."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import httpx

PER_SECOND = 10
SECONDS = 60
PATHS = (
    "/transactions?limit=5",
    "/categories",
    "/stats/assets",
    "/recurring",
    "/api/v1/orders",
    "/api/v1/vehicles",
    "/api/v1/drivers",
    "/api/v1/mobile/summary",
    "/transactions/00000000-0000-4000-8000-000000000000",  # nobody's: 404, and a code in errors_total
)


def run(client: httpx.Client, seconds: float = SECONDS) -> dict[int, int]:
    """Asks PER_SECOND times a second; how often each status came."""
    statuses: dict[int, int] = {}
    for path in itertools.islice(_paced(), int(seconds * PER_SECOND)):
        status = client.get(path).status_code
        statuses[status] = statuses.get(status, 0) + 1
    return statuses


def _paced() -> Iterator[str]:
    """The paths in turn, none before its time."""
    began = time.monotonic()
    for number, path in enumerate(itertools.cycle(PATHS)):
        time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        yield path
