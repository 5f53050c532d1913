"""A million orders and dispatches in a temporary PostgreSQL that is set up as in production."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Iterator

from tests.app.conftest import run_migrations
from tests.app.servers import Postgres

ROWS = 1_000_000
SHARES = (60, 20, 12, 7, 1)  # percent of the rows by owner
FLEET = 200  # vehicles and drivers of each owner
NAME = "bench"
# What the prod profile gives PostgreSQL: such a table does not live on the sandbox's 128 MB.
PRODUCTION = (
    "shared_buffers = 1024MB",
    "effective_cache_size = 2048MB",
    "work_mem = 3MB",
    "random_page_cost = 1.1",
)
# Fractions are of all rows: a word of a third of them, of a percent, and of a few rows.
CITIES = ("서울시", "서울시", "서울시", "부산시", "인천시", "대구시", "광주시", "대전시", "울산시", "수원시")
SEED = f"""
INSERT INTO users (clerk_user_id, email) SELECT 'owner' || n, 'x' FROM generate_series(1, {len(SHARES)}) n;
INSERT INTO users (clerk_user_id, email) VALUES ('driver', 'x');
CREATE TABLE share AS SELECT row_number() OVER () - 1 AS place, id AS owner_id FROM (
  SELECT u.id FROM (VALUES {", ".join(f"('owner{n}', {share})" for n, share in enumerate(SHARES, 1))})
  AS given (name, percent) JOIN users u ON u.clerk_user_id = given.name, generate_series(1, given.percent)) s;
INSERT INTO clients (owner_id, name) SELECT id, '한빛식품' FROM users;
INSERT INTO vehicles (owner_id, license_plate)
  SELECT id, n || '가 ' || n FROM users, generate_series(1, {FLEET}) n;
INSERT INTO drivers (owner_id, name) SELECT id, '기사 ' || n FROM users, generate_series(1, {FLEET}) n;
CREATE TABLE fleet AS SELECT v.owner_id, v.id AS vehicle_id, d.id AS driver_id, v.place FROM
  (SELECT *, row_number() OVER (PARTITION BY owner_id ORDER BY id) AS place FROM vehicles) v JOIN
  (SELECT *, row_number() OVER (PARTITION BY owner_id ORDER BY id) AS place FROM drivers) d
  ON (v.owner_id, v.place) = (d.owner_id, d.place);
CREATE TABLE made AS SELECT n, share.owner_id, now() - ({ROWS} - n) * interval '1 minute' AS at
  FROM generate_series(1, {ROWS}) n JOIN share ON share.place = abs(hashint8(n)) % 100;
INSERT INTO orders (owner_id, client_id, pickup_address, delivery_address, cargo_type, weight, status,
                    created_at)
  SELECT made.owner_id, clients.id,
    (ARRAY[{", ".join(repr(city) for city in CITIES)}])[abs(hashint8(n + 1)) % {len(CITIES)} + 1]
      || ' ' || abs(hashint8(n + 2)) % 100 || '구 ' || abs(hashint8(n + 3)) % 2000 || '동 ' || n % 900,
    abs(hashint8(n + 4)) % 100 || '군 ' || abs(hashint8(n + 5)) % 5000 || '읍 ' || n % 700,
    (ARRAY['frozen', 'chilled', 'ambient'])[n % 3 + 1], 100 + n % 9000, 'COMPLETED', at
  FROM made JOIN clients USING (owner_id) ORDER BY n;
INSERT INTO dispatches (owner_id, order_id, vehicle_id, driver_id, status, created_at)
  SELECT o.owner_id, o.id, vehicle_id, driver_id,
    (ARRAY['COMPLETED', 'CANCELLED', 'REJECTED'])[greatest(o.id % 30 - 27, 0) + 1], o.created_at
  FROM orders o JOIN fleet ON fleet.owner_id = o.owner_id
    AND fleet.place = abs(hashint8(o.id + 9)) % {FLEET} + 1 ORDER BY o.id;
UPDATE dispatches SET status = (ARRAY['ASSIGNED', 'ACCEPTED', 'IN_TRANSIT'])[newest.place % 3 + 1],
    vehicle_id = fleet.vehicle_id, driver_id = fleet.driver_id
  FROM (SELECT id, owner_id, row_number() OVER (PARTITION BY owner_id ORDER BY id DESC) AS place
        FROM dispatches) newest JOIN fleet USING (owner_id, place)
  WHERE dispatches.id = newest.id;
UPDATE drivers SET user_id = (SELECT id FROM users WHERE clerk_user_id = 'driver')
  FROM fleet WHERE drivers.id = fleet.driver_id AND place = 7 AND drivers.owner_id IN
    (SELECT id FROM users WHERE clerk_user_id IN ('owner1', 'owner2'));
DROP TABLE share; DROP TABLE fleet; DROP TABLE made
"""  # noqa: S608  (constants)


@contextlib.contextmanager
def filled() -> Iterator[str]:
    """The service's address of a database with ROWS orders and dispatches."""
    server = Postgres()
    try:
        with (server.folder / "data" / "postgresql.conf").open("a") as file:
            file.write("\n".join(PRODUCTION))
        server.start()
        server.create(NAME)
        with contextlib.redirect_stdout(io.StringIO()):
            run_migrations(server.address("owner", NAME))
        logging.getLogger().handlers.clear()
        begun = time.monotonic()
        server.sql(*SEED.split(";"), "VACUUM ANALYZE", database=NAME)
        print(f"{ROWS:,} orders and dispatches of {len(SHARES)} owners in {time.monotonic() - begun:.0f} s")
        yield server.address("service", NAME)
    finally:
        server.remove()
