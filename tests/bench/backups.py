"""What backups cost: a dump against a plain ``pg_dump -Fc`` to a local file, a restore against a plain
``pg_restore -j2`` of that file into an empty database, and the dump's memory.

Runs by itself: a temporary PostgreSQL with rows of ledger and dispatch, a temporary object store with TLS,
the program as a pod runs it. --megabytes 2048 is the size that the aims are stated for.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.paths import ROOT
from tests.app.conftest import run_migrations
from tests.app.servers import POSTGRES_BIN, Postgres
from tests.backups.servers import BUCKET, STACK, ObjectStore, key_files

NAME = "ledger"
MIB = 1 << 20
AIMED_MEGABYTES = 2048
BLOCK = 50_000  # rows of one INSERT
SAMPLE_SECONDS = 0.02
AIM_RATIO, AIM_MEMORY, AIM_VERIFY = 1.15, 256, 0.25
JOBS = 2  # of pg_restore, in both
PLAIN, RESTORED = "plain", f"{NAME}_restored"
VERIFY = "verify"  # the restore's own last step: rows and keys against the manifest
PEOPLE = """
INSERT INTO users (clerk_user_id, email) SELECT 'user_' || md5(n::text), n || '@example.org'
  FROM generate_series(1, 500) n;
INSERT INTO categories (user_id, name, emoji) SELECT id, name, '🍚' FROM users,
  unnest(ARRAY['식비', '교통', '주거', '의료', '문화']) AS name;
INSERT INTO clients (owner_id, name, phone)
  SELECT id, '한빛식품 ' || substr(md5(id::text), 1, 6), '02-555-0100' FROM users;
INSERT INTO vehicles (owner_id, license_plate) SELECT id, '서울 ' || substr(md5(id::text), 1, 8) FROM users;
INSERT INTO drivers (owner_id, name, phone)
  SELECT id, '김기사 ' || substr(md5(id::text), 1, 4), '010-555-0100' FROM users
"""
# Values that people would have typed: words from a small stock, numbers and times without a pattern.
ROWS = f"""
CREATE TEMP TABLE who AS SELECT u.id AS user_id, c.id AS client_id, v.id AS vehicle_id, d.id AS driver_id,
  g.id AS category_id, row_number() OVER () AS place
  FROM users u JOIN clients c ON c.owner_id = u.id JOIN vehicles v ON v.owner_id = u.id
  JOIN drivers d ON d.owner_id = u.id JOIN categories g ON g.user_id = u.id AND g.name = '식비';
CREATE TEMP TABLE made AS SELECT n, random() AS x, 1 + floor(random() * 500)::int AS place
  FROM generate_series(1, {BLOCK}) n;
INSERT INTO transactions (user_id, date, description, amount, type, category_id)
  SELECT user_id, date '2024-01-01' + (x * 1000)::int,
    (ARRAY['점심 김밥', '지하철', '약국', '커피', '월세'])[n % 5 + 1] || ' ' || substr(md5(x::text), 1, 12),
    (x * 90000)::int, 'expense', category_id FROM made JOIN who USING (place);
INSERT INTO orders (owner_id, client_id, pickup_address, delivery_address, cargo_type, weight, status)
  SELECT user_id, client_id, '서울시 ' || n % 100 || '구 ' || (x * 2000)::int || '동 ' || n % 900,
    '부산시 ' || (x * 100)::int || '군 ' || n % 5000 || '읍 ' || (x * 700)::int,
    'frozen', 1 + x * 9000, 'COMPLETED'
  FROM made JOIN who USING (place);
INSERT INTO dispatches (owner_id, order_id, vehicle_id, driver_id, status)
  SELECT o.owner_id, o.id, vehicle_id, driver_id, 'COMPLETED'
  FROM (SELECT * FROM orders ORDER BY id DESC LIMIT {BLOCK}) o JOIN who ON who.user_id = o.owner_id;
DROP TABLE who; DROP TABLE made
"""  # noqa: S608  (constants)


def fill(server: Postgres, megabytes: int) -> int:
    """Rows of every kind until the database is that large; its bytes."""
    server.create(NAME)
    handlers = logging.getLogger().handlers[:]
    with contextlib.redirect_stdout(io.StringIO()):
        run_migrations(server.address("owner", NAME))
    logging.getLogger().handlers[:] = handlers
    server.sql(*PEOPLE.split(";"), database=NAME)
    size = 0
    while size < megabytes * MIB:
        server.sql(*ROWS.split(";"), database=NAME)
        size = int(server.sql(f"SELECT pg_database_size('{NAME}')"))
    server.sql("VACUUM ANALYZE", database=NAME)
    return size


class Memory:
    """The largest sum of resident memory of a process and its children (proc(5): VmRSS)."""

    def __init__(self, pid: int) -> None:
        self.peak, self._pid, self._over = 0, pid, threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(map(_resident, (self._pid, *_children(self._pid)))))


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has ended meanwhile
        return []


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")), 0)


@dataclass(frozen=True)
class Run:
    """One run of the program: seconds, peak bytes, the lines that it said."""

    seconds: float
    memory: int
    lines: list[dict[str, Any]]

    def step(self, name: str) -> float:
        """Seconds of one of its steps."""
        return sum(
            float(line["seconds"])
            for line in self.lines
            if (line["event"], line.get("step")) == ("done", name)
        )


def job(environment: dict[str, str], *verb: str) -> Run:
    """One run of the program as a pod runs it."""
    begun = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "infra.backups", *verb], env=environment, cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        with Memory(process.pid) as memory:
            output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(output.decode())
    lines = [json.loads(line) for line in output.splitlines()]
    return Run(time.monotonic() - begun, memory.peak, lines)


def plain_dump(server: Postgres, file: Path) -> float:
    """Seconds of ``pg_dump -Fc`` to a local file."""
    return _timed(
        [str(POSTGRES_BIN / "pg_dump"), "-Fc", "-d", server.address("owner", NAME), "-f", str(file)]
    )


def plain_restore(server: Postgres, file: Path) -> float:
    """Seconds of ``pg_restore -j2`` of that file into an empty database."""
    server.sql(f"DROP DATABASE IF EXISTS {PLAIN}", f"CREATE DATABASE {PLAIN} OWNER {NAME}_owner")
    command = [str(POSTGRES_BIN / "pg_restore"), f"--jobs={JOBS}", "--no-owner", "--no-privileges"]
    address = server.address("owner", NAME).rpartition("/")[0]
    seconds = _timed([*command, f"--dbname={address}/{PLAIN}", str(file)])
    server.sql(f"DROP DATABASE {PLAIN}")
    return seconds


def _timed(command: list[str]) -> float:
    begun = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - begun


def restore(server: Postgres, environment: dict[str, str], backup: str) -> Run:
    """A whole restore beside the live database, which is dropped again."""
    run = job(environment, "restore", "--backup", backup, "--jobs", str(JOBS))
    server.sql(f"DROP DATABASE {RESTORED}")
    return run


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[tuple[Postgres, dict[str, str]]]:
    """A PostgreSQL, and the variables of a pod for it and for a running store."""
    with contextlib.ExitStack() as stack:
        server, store = Postgres(), ObjectStore()
        for each in (server, store):
            stack.callback(each.remove)
            each.start()
        key_files(folder)
        yield (
            server,
            {
                **os.environ,
                "BACKUP_STACK": STACK,
                "BACKUP_BUCKET": BUCKET,
                "BACKUP_ENDPOINT": store.url,
                "BACKUP_CA_FILE": str(store.certificate),
                "AWS_ACCESS_KEY_ID": "root",
                "AWS_SECRET_ACCESS_KEY": store.secrets["root"],
                "BACKUP_KEYS": str(folder),
                "BACKUP_SCRATCH": str(folder),
                "DATABASE_URL": server.address("owner", NAME),
                "DATABASE_SERVICE_ROLE": f"{NAME}_service",
            },
        )


def figures(megabytes: int, rounds: int) -> dict[str, float]:
    """Medians of rounds in turn, so that whatever else runs here slows all alike."""
    taken: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, servers(Path(name)) as (server, environment):
        size, file = fill(server, megabytes), Path(name) / "plain"
        for _ in range(rounds):
            taken["plain"].append(plain_dump(server, file))
            dump = job(environment, "dump")
            backup = dump.lines[-1]["backup"]
            taken["dump"].append(dump.seconds)
            taken["memory"].append(dump.memory / MIB)
            taken["verify"].append(job(environment, "verify", backup).seconds)
            taken["plain_restore"].append(plain_restore(server, file))
            whole = restore(server, environment, backup)
            taken["restore"].append(whole.seconds - whole.step(VERIFY))
            taken["restore_verify"].append(whole.step(VERIFY))
    found = {f"backup_{what}": statistics.median(values) for what, values in taken.items()}
    return {**found, "backup_database_mib": size / MIB, "backup_memory": max(taken["memory"])}


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="python -m tests.bench.backups", description=__doc__)
    made.add_argument(
        "--megabytes", type=int, default=200, help="size of the database (%(default)s); 2048: the aims'"
    )
    made.add_argument("--rounds", type=int, default=3, help="runs of each, in turn (%(default)s)")
    return made


TABLE = (  # figure, its floor, its words, the aim as a ratio
    ("dump", "plain", "a backup to the store", AIM_RATIO),
    ("verify", "plain", "every byte of it checked in the store", AIM_VERIFY),
    ("restore", "plain_restore", "a restore from the store, with ANALYZE", AIM_RATIO),
    ("restore_verify", "plain_restore", "its rows and keys compared with the manifest", AIM_VERIFY),
)


def main(arguments: Sequence[str]) -> dict[str, float]:
    """Prints one line per figure; ends with an error where an aim stated for 2 GB is missed at that size."""
    chosen = parser().parse_args(arguments)
    found = figures(chosen.megabytes, chosen.rounds)
    size = found["backup_database_mib"]
    for name, words in (
        ("plain", "pg_dump -Fc of {} MiB to a file"),
        ("plain_restore", "pg_restore -j2 of it"),
    ):
        print(words.format(f"{size:.0f}").ljust(52) + f"{found[f'backup_{name}']:7.2f} s   1.0")
    missed = [] if found["backup_memory"] <= AIM_MEMORY else [f"{AIM_MEMORY} MiB"]
    for name, floor, words, aim in TABLE:
        seconds = found[f"backup_{name}"]
        ratio = seconds / found[f"backup_{floor}"]
        print(words.ljust(52) + f"{seconds:7.2f} s   {ratio:.2f}")
        missed += [f"{words}: {aim}"] if ratio > aim and chosen.megabytes >= AIMED_MEGABYTES else []
    print("peak memory of the job and its programs".ljust(52) + f"{found['backup_memory']:7.0f} MiB")
    if missed:
        raise SystemExit(f"missed: {'; '.join(missed)}")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
