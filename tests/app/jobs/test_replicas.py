"""Replicas as processes of their own: killed, drained and restarted in the middle of a batch."""

from __future__ import annotations

import random
import signal
import uuid
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from app.core.context import Context
from app.core.jobs.schemas import BatchOut, ResultsQuery
from app.core.jobs.service import Batches
from tests.app.jobs.kinds import NOTE
from tests.app.replicas import Service
from tests.app.servers import Postgres, RedisServer, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow]
BUSY = "SELECT count(*) FROM batch_jobs WHERE status = 'running'"
MODULE = "tests.app.jobs.kinds"
Start = Callable[..., Service]


@pytest.fixture
def start(postgres: Postgres, redis: RedisServer, jobs_database: str) -> Iterator[Start]:
    """``start()``: a running replica with the tests' kinds; ended after the test."""
    made: list[Service] = []

    def make(*arguments: str, **changed: str) -> Service:
        settings = {"JOB_STALLED_SECONDS": "5", "JOB_CONCURRENCY": "2", "DRAIN_SECONDS": "0.3"} | changed
        made.append(Service(postgres, redis, MODULE, *arguments, database=jobs_database, **settings))
        made[-1].start()
        return made[-1]

    yield make
    for replica in made:
        replica.remove()


def numbers(postgres: Postgres, database: str) -> list[int]:
    """What the items have written."""
    return [int(n) for n in postgres.sql("SELECT number FROM effects", database=database).splitlines()]


async def submit(context: Context, owner: uuid.UUID, count: int, seconds: float) -> uuid.UUID:
    """The id of a job that nobody in this process works on."""
    items = [{"number": number, "seconds": seconds} for number in range(count)]
    return (await Batches(context).submit(owner, NOTE.name, items)).job_id


async def proved(context: Context, key: uuid.UUID, count: int, postgres: Postgres, database: str) -> BatchOut:
    """The job, of which every item must have one effect and one result."""
    assert sorted(numbers(postgres, database)) == list(range(count))
    results = await Batches(context).results(key, ResultsQuery(page_size=1000))
    assert [row.result for row in results.items] == [{"doubled": number * 2} for number in range(count)]
    return await Batches(context).get(key)


def database_of(context: Context) -> str:
    """The name of the test's database."""
    return context.settings.database_url.get_secret_value().rpartition("/")[2]


def finished(postgres: Postgres, database: str) -> bool:
    """Whether every job of the database is at its end."""
    return postgres.sql("SELECT count(*) FROM batch_jobs WHERE finished_at IS NULL", database=database) == "0"


def has_done(postgres: Postgres, database: str, least: int) -> bool:
    """Whether so many items are done, or all."""
    return len(numbers(postgres, database)) >= least or finished(postgres, database)


async def kill_at_random(
    context: Context,
    owner: uuid.UUID,
    start: Start,
    postgres: Postgres,
    items: int,
    kills: int,
    seconds: float,
) -> None:
    """Two replicas at one batch; one of them is killed and replaced again and again."""
    chance, database = random.Random(5), database_of(context)
    replicas = [start(), start()]
    key = await submit(context, owner, items, seconds)
    midway = 0
    for _ in range(kills):
        least = len(numbers(postgres, database)) + chance.randint(1, max(2, items // kills // 2))
        wait_for(partial(has_done, postgres, database, least), "some items are done", 60)
        midway += not finished(postgres, database)
        victim = replicas.pop(chance.randrange(2))
        victim.stop(signal.SIGKILL)
        replicas.append(start())
    assert midway > kills // 2
    wait_for(lambda: finished(postgres, database), "the batch ends", 120)
    job = await proved(context, key, items, postgres, database)
    assert (job.status, job.failed_items) == ("completed", 0)


async def test_killed_replicas_lose_no_item_and_do_none_twice(
    context: Context, owner: uuid.UUID, start: Start, postgres: Postgres
) -> None:
    await kill_at_random(context, owner, start, postgres, 400, 3, 0.05)


@pytest.mark.soak
async def test_many_kills_lose_no_item_and_do_none_twice(
    context: Context, owner: uuid.UUID, start: Start, postgres: Postgres
) -> None:
    await kill_at_random(context, owner, start, postgres, 1000, 30, 0.1)


async def test_two_replicas_share_one_batch_and_a_drained_one_gives_its_share_back_at_once(
    context: Context, owner: uuid.UUID, start: Start, postgres: Postgres, jobs_database: str
) -> None:
    leaving, staying = start(), start(JOB_STALLED_SECONDS="3600")
    key = await submit(context, owner, 300, 0.05)
    wait_for(lambda: len(numbers(postgres, jobs_database)) > 20, "items are done")
    leaving.terminate()
    assert leaving.exit_code() == 0
    busy = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'batch' AND status = 'doing'"
    wait_for(lambda: postgres.sql(busy, database=jobs_database) == "2", "the other one works")
    wait_for(lambda: finished(postgres, jobs_database), "the batch ends")
    await proved(context, key, 300, postgres, jobs_database)
    assert not leaving.said("job failed") + staying.said("job taken over")
    assert [line["event"] for line in leaving.lines()][-1].startswith("Finished server process")


async def test_an_item_longer_than_the_grace_is_given_back_and_done_elsewhere(
    context: Context, owner: uuid.UUID, start: Start, postgres: Postgres, jobs_database: str
) -> None:
    leaving = start("grace=2")
    key = await submit(context, owner, 1, 12)
    wait_for(lambda: postgres.sql(BUSY, database=jobs_database) == "1", "the item is under way")
    leaving.terminate()
    assert leaving.exit_code(10) == 0
    assert [line["task"] for line in leaving.said("job given back")] == ["batch"]
    start()
    wait_for(lambda: finished(postgres, jobs_database), "the batch ends", 60)
    await proved(context, key, 1, postgres, jobs_database)


@pytest.mark.own_servers
async def test_a_replica_ends_also_while_the_database_hangs_and_nothing_is_lost(
    context: Context, owner: uuid.UUID, start: Start, postgres: Postgres, jobs_database: str
) -> None:
    leaving = start("grace=2", "every-second")
    key = await submit(context, owner, 100, 0.05)
    wait_for(lambda: len(numbers(postgres, jobs_database)) > 5, "items are done")
    postgres.send(signal.SIGSTOP)
    try:
        leaving.terminate()
        assert leaving.exit_code(30) == 0
    finally:
        postgres.send(signal.SIGCONT)
    start()
    wait_for(lambda: finished(postgres, jobs_database), "the batch ends", 90)
    await proved(context, key, 100, postgres, jobs_database)


async def test_schedules_run_once_a_slot_while_replicas_are_killed(
    start: Start, postgres: Postgres, jobs_database: str
) -> None:
    def runs() -> int:
        return int(postgres.sql("SELECT count(*) FROM ticks", database=jobs_database))

    def wait_for_three_more() -> None:
        least = runs() + 3
        wait_for(lambda: runs() >= least, "slots run")

    replicas = [start("every-second"), start("every-second")]
    for number in range(2):
        wait_for_three_more()
        replicas[number].stop(signal.SIGKILL)
        replicas.append(start("every-second"))
    wait_for_three_more()
    slots = [line["slot"] for replica in replicas for line in replica.said("schedule done")]
    assert len(slots) >= 6
    assert len(slots) == len(set(slots)), slots
