"""What a backup costs: its time against a plain ``pg_dump -Fc`` to a local file, and the job's memory.

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
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.paths import ROOT
from tests.app.conftest import run_migrations
from tests.app.servers import POSTGRES_BIN, Postgres
from tests.backups.servers import BUCKET, STACK, ObjectStore, key_files

NAME = "ledger"
MIB = 1 << 20
BLOCK = 50_000  # rows of one INSERT
SAMPLE_SECONDS = 0.02
AIM_RATIO, AIM_MEMORY, AIM_VERIFY = 1.15, 256, 0.25
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


def job(environment: dict[str, str], *verb: str) -> tuple[float, int, dict[str, str]]:
    """Seconds, peak bytes and the result of one run of the program."""
    begun = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "infra.backups", *verb], env=environment, cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        with Memory(process.pid) as memory:
            output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(output.decode())
    return time.monotonic() - begun, memory.peak, json.loads(output.splitlines()[-1])


def plain(server: Postgres, folder: Path) -> float:
    """Seconds of ``pg_dump -Fc`` to a local file."""
    command = [str(POSTGRES_BIN / "pg_dump"), "-Fc", "-d", server.address("owner", NAME)]
    begun = time.monotonic()
    subprocess.run([*command, "-f", str(folder / "plain.dump")], check=True)
    return time.monotonic() - begun


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
                "AWS_ACCESS_KEY_ID": "writer",
                "AWS_SECRET_ACCESS_KEY": store.secrets["writer"],
                "BACKUP_KEYS": str(folder),
                "DATABASE_URL": server.address("owner", NAME),
            },
        )


def figures(megabytes: int, rounds: int) -> dict[str, float]:
    """Medians of rounds in turn, so that whatever else runs here slows all alike."""
    taken: dict[str, list[float]] = {"plain": [], "dump": [], "verify": [], "memory": []}
    with tempfile.TemporaryDirectory() as name, servers(Path(name)) as (server, environment):
        size = fill(server, megabytes)
        for _ in range(rounds):
            taken["plain"].append(plain(server, Path(name)))
            seconds, memory, result = job(environment, "dump")
            taken["dump"].append(seconds)
            taken["memory"].append(memory / MIB)
            taken["verify"].append(job(environment, "verify", result["backup"])[0])
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


def main(arguments: Sequence[str]) -> dict[str, float]:
    """Prints one line per figure; ends with an error where an aim stated for 2 GB is missed at that size."""
    chosen = parser().parse_args(arguments)
    found = figures(chosen.megabytes, chosen.rounds)
    floor = found["backup_plain"]
    print(
        f"pg_dump -Fc of {found['backup_database_mib']:.0f} MiB to a file".ljust(52) + f"{floor:7.2f} s   1.0"
    )
    for what, words in (("dump", "a backup to the store"), ("verify", "every byte of it checked")):
        seconds = found[f"backup_{what}"]
        print(words.ljust(52) + f"{seconds:7.2f} s   {seconds / floor:.2f}")
    print("peak memory of the job and its programs".ljust(52) + f"{found['backup_memory']:7.0f} MiB")
    late = found["backup_dump"] > AIM_RATIO * floor or found["backup_verify"] > AIM_VERIFY * floor
    if found["backup_memory"] > AIM_MEMORY or (chosen.megabytes >= 2048 and late):
        raise SystemExit(f"missed: {AIM_RATIO} of pg_dump, {AIM_VERIFY} for verify, {AIM_MEMORY} MiB")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
