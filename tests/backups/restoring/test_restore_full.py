"""A restore that has no room: in the scratch folder, or on the databases' volume."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.servers import Postgres
from tests.backups.restoring.conftest import LIVE, Place

pytestmark = pytest.mark.integration
RESTORED = f"{LIVE}_restored"


def test_where_the_scratch_folder_is_too_small_the_restore_says_so_and_leaves_nothing(
    place: Place, scratch: Path
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "small", scratch], check=True)
    try:
        (problem,) = place.run("restore").problems
        size = len(place.objects[place.dump_key])
        assert problem.startswith(f"scratch folder {scratch}: has 0 MiB free, and the dump takes")
        assert problem.endswith("→ make the scratch volume larger, then run it again")
        subprocess.run(["mount", "-o", f"remount,size={size + 8192}", scratch], check=True)
        (problem,) = place.run("restore").problems
        assert "several times as much unpacked" in problem
        assert place.scratch() == []
        assert place.databases() == {LIVE}
    finally:
        subprocess.run(["umount", scratch], check=True)
    assert place.run("restore").code == 0


@contextmanager
def small_server() -> Iterator[Postgres]:
    """A server whose databases' volume takes one more empty database, which PostgreSQL writes with holes, and
    not much in it; its WAL lies elsewhere."""
    server = Postgres()
    base, copy = server.folder / "data/base", server.folder / "data/copy"
    try:
        server.start()
        server.create(LIVE)
        room = int(server.sql("SELECT pg_database_size('template1')")) // 2
        server.stop()
        base.rename(copy)
        base.mkdir()
        used = int(subprocess.run(["du", "-sb", copy], check=True, capture_output=True).stdout.split()[0])
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={used + room}", "small", base], check=True)
        try:
            subprocess.run(["cp", "-a", f"{copy}/.", base], check=True)
            server.start()
            yield server
        finally:
            server.stop()
            subprocess.run(["umount", base], check=True)
    finally:
        server.remove()


def test_where_the_databases_volume_is_full_the_half_restored_database_goes_and_the_live_one_works(
    place: Place,
) -> None:
    with small_server() as server:
        address = server.address("owner", LIVE)
        assert place.run("restore", DATABASE_URL=address).problems == [
            f"database {RESTORED}: the volume of the databases is full; what was restored so far has been"
            " removed → make it larger, or remove what is not needed: slipway restore --forget; then run it"
            " again"
        ]
        assert RESTORED not in server.sql("SELECT datname FROM pg_database").split()
        server.sql("CREATE TABLE written AS SELECT 1", database=LIVE)
        larger = ["mount", "-o", "remount,size=200m", str(server.folder / "data/base")]
        subprocess.run(larger, check=True)
        assert place.run("restore", DATABASE_URL=address).code == 0
