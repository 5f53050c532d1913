"""A file made to cost as much as it can: its rows are counted first, and imports take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.core.context import Context
from app.ledger.backup import MOST_ROWS
from app.ledger.schemas import ImportReport
from app.ledger.transfer import Transfer
from tests.app.replicas import AUTHORIZATION, Service
from tests.app.servers import Postgres, RedisServer

pytestmark = pytest.mark.integration
NOTHING: dict[str, list[object]] = {"transactions": []}
NUMBERS = b'{"transactions":[' + b"1," * 4_899_990 + b"1]}"  # 9.8 MB
ROWS = b'{"transactions":[' + b"1.1," * 1_199_999 + b"1.1]}"  # as many numbers as may be
OBJECTS = b'{"transactions":[' + b"{}," * 3_266_660 + b"{}]}"  # 9.8 MB, and 300 MB once it is read
WRONG = b'{"transactions":[' + b"{}," * (MOST_ROWS - 1) + b"{}]}"  # every row has four problems
MEMORY = 350_000_000  # bytes; what the process may take at its worst; a pod has 512 MiB
ANSWER_SECONDS = 30.0


@pytest.fixture(scope="module")
def process(postgres: Postgres, redis: RedisServer) -> Iterator[Service]:
    """A running service."""
    server = Service(postgres, redis)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def send(process: Service, body: bytes) -> httpx.Response:
    headers = AUTHORIZATION | {"Content-Type": "application/json"}
    return httpx.post(f"{process.url}/backup/import", content=body, headers=headers, timeout=ANSWER_SECONDS)


def peak(process: Service) -> int:
    """The most bytes of memory the process ever had (proc(5))."""
    assert process.process is not None
    lines = Path(f"/proc/{process.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


NUMBERS_PROBLEM = {"field": "body", "problem": "has 4899990 commas; a file may have 1200000"}
ROWS_PROBLEM = {"field": "transactions", "problem": "has 1200000 rows; a file may have 100000 in all"}
OBJECTS_PROBLEM = {"field": "body", "problem": "has 3266663 opening brackets; a file may have 1000000"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [(NUMBERS, NUMBERS_PROBLEM), (OBJECTS, OBJECTS_PROBLEM), (ROWS, ROWS_PROBLEM)],
    ids=["1", "{}", "1.1"],
)
def test_millions_of_rows_are_refused_by_their_number(
    process: Service, body: bytes, problem: dict[str, str]
) -> None:
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: send(process, body), range(3)))
    assert {answer.status_code for answer in answers} == {422}
    assert answers[0].json()["error_code"] == "ERR_1500"
    assert answers[0].json()["details"] == {"problems": [problem], "total": 1}
    assert peak(process) < MEMORY


def test_as_many_wrong_rows_as_a_file_may_have_cost_little(process: Service) -> None:
    answer = send(process, WRONG)
    assert answer.json()["details"]["total"] == 4 * MOST_ROWS
    assert len(answer.json()["details"]["problems"]) == 100
    assert peak(process) < MEMORY


async def test_the_rows_of_all_tables_are_counted_together(
    alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ledger.backup.MOST_ROWS", 3)
    file = {"transactions": [1, 1], "recurring_transactions": [1], "categories": [1]}
    body = (await alice.post("/backup/import", json=file)).json()
    problem = {"field": "categories", "problem": "has 1 rows; a file may have 3 in all"}
    assert body["details"] == {"problems": [problem], "total": 1}


async def test_imports_of_one_replica_take_turns_and_other_requests_do_not_wait(
    alice: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most = 0, 0
    go_on = asyncio.Event()

    async def slow(_: Transfer, body: object) -> ImportReport:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        running -= 1
        return ImportReport(
            imported=0, skipped=0, recurring_imported=0, recurring_skipped=0, categories_created=[]
        )

    monkeypatch.setattr(Transfer, "import_file", slow)
    sent = [asyncio.create_task(alice.post("/backup/import", json=NOTHING)) for _ in range(4)]
    while not running:
        await asyncio.sleep(0)
    assert (await alice.get("/categories")).status_code == 200
    go_on.set()
    assert [answer.status_code for answer in await asyncio.gather(*sent)] == [200] * 4
    assert most == 1
