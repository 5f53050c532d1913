"""The copy of the cache goes back into a running Redis, as the user that the stack has for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from redis import Redis

from infra.render import redis as render
from tests.app.servers import RedisServer
from tests.backups.restoring.conftest import Place
from tests.backups.running import Said, run
from tests.backups.servers import STACK

pytestmark = [pytest.mark.integration, pytest.mark.slow]
WORD = secrets.token_urlsafe(32)
HOUR = 3600
KEYS = 1_200  # more than one round trip takes


class Stack(RedisServer):
    """Redis with the users of a stack."""

    def __init__(self) -> None:
        super().__init__()
        users = self.folder / "users.acl"
        users.touch(0o600)
        users.write_text(render.users(WORD))
        config = self.folder / "redis.conf"
        lines = [line for line in config.read_text().splitlines() if not line.startswith("requirepass")]
        config.write_text("\n".join([*lines, f"aclfile {users}", "maxmemory-policy noeviction"]))
        self.password = WORD

    @property
    def copying(self) -> str:
        """REDIS_URL of the pods of backups."""
        return f"redis://{render.BACKUP_USER}:{WORD}@127.0.0.1:{self.port}/0"


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A running cache with values of several kinds."""
    server = Stack()
    try:
        server.start()
        with service(server) as cache:
            cache.mset({f"number:{n}": f"{n}" for n in range(KEYS)})
            cache.set("greeting", "안녕", ex=HOUR)
            cache.hset("order", mapping={"cargo": "frozen", "weight": "12"})
            cache.set(b"\x00\xff\n", b"\x01")
        yield server
    finally:
        server.remove()


def service(server: Stack) -> Redis:
    """As the service."""
    return Redis.from_url(server.address)


def dump(place: Place, address: str) -> Said:
    """A new daily backup."""
    user = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": place.store.secrets["writer"]}
    return run(place.environment(**user, REDIS_URL=address), "dump")


def dumped(place: Place, address: str) -> str:
    """Its id."""
    return str(dump(place, address).result["backup"])


def filled(place: Place, backup: str, address: str) -> Said:
    return place.run("fill", "--backup", backup, REDIS_URL=address)


def test_every_key_of_the_daily_copy_is_back_with_what_is_left_of_its_time(
    place: Place, stack: Stack
) -> None:
    backup = dumped(place, stack.copying)
    with service(stack) as cache:
        for key in list(cache.scan_iter()):
            cache.delete(key)
        cache.set("order", "of today")
        cache.set("today", "1")
        assert filled(place, backup, stack.copying).result["keys"] == KEYS + 3
        assert cache.get("number:7") == b"7"
        assert cache.get("greeting").decode() == "안녕"
        assert 0 < cache.ttl("greeting") <= HOUR
        assert cache.ttl("number:7") == -1
        assert cache.hgetall("order") == {b"cargo": b"frozen", b"weight": b"12"}
        assert cache.get(b"\x00\xff\n") == b"\x01"
        assert cache.get("today") == b"1"  # what the copy does not know stays
    assert place.scratch() == []


def test_a_key_whose_time_has_ended_since_the_copy_does_not_come_back(place: Place, stack: Stack) -> None:
    with service(stack) as cache:
        cache.set("short", "1", px=1500)
        backup = dumped(place, stack.copying)
        while cache.exists("short"):
            pass
        filled(place, backup, stack.copying)
        assert not cache.exists("short")
        assert cache.exists("order")


def test_a_backup_without_a_copy_of_the_cache_says_so(place: Place, stack: Stack) -> None:
    assert filled(place, place.backup, stack.copying).problems == [
        f"{place.backup}: holds no copy of the cache: Redis was away when it was made, or the stack had none"
        " → take another: slipway backup list STACK"
    ]


def test_a_daily_backup_is_made_without_the_cache_while_redis_is_away_and_says_so(place: Place) -> None:
    said = dump(place, "redis://127.0.0.1:1")
    assert said.result["objects"] == ["database.dump.zst.age"]
    (warning,) = [line["what"] for line in said.lines if line["event"] == "warning"]
    assert warning.startswith("no copy of the cache: redis-cli ended with code 1: Could not connect")


def test_a_damaged_copy_of_the_cache_is_named_and_changes_nothing(place: Place, stack: Stack) -> None:
    backup = dumped(place, stack.copying)
    (key,) = [name for name in place.store.keys(f"{STACK}/{backup}") if "redis.rdb" in name]
    data = bytearray(place.store.get(key))
    data[-1] ^= 1
    place.store.put(key, bytes(data))
    with service(stack) as cache:
        cache.delete("order")
        (problem,) = filled(place, backup, stack.copying).problems
        assert problem.startswith(f"{key}: its SHA-256 is not the manifest's")
        assert not cache.exists("order")


def test_a_cache_without_room_refuses_the_keys_with_its_own_words(place: Place, stack: Stack) -> None:
    backup = dumped(place, stack.copying)
    small = Stack()
    try:
        config = small.folder / "redis.conf"
        config.write_text(config.read_text() + "\nmaxmemory 100kb\n")
        small.start()
        (problem,) = filled(place, backup, small.copying).problems
        assert problem.startswith("cache: did not take the keys: command not allowed when used memory >")
        assert "RESTORE" not in problem  # with the key and its value, which may be somebody's
    finally:
        small.remove()


def test_a_cache_that_is_away_is_named_without_its_password(place: Place, stack: Stack) -> None:
    backup = dumped(place, stack.copying)
    said = filled(place, backup, f"redis://{render.BACKUP_USER}:{WORD}@127.0.0.1:1/0")
    (problem,) = said.problems
    assert problem.startswith("cache: did not take the keys: ")
    assert WORD not in said.output


def test_the_emptying_after_a_restore_is_within_the_rights_of_the_same_user(
    place: Place, stack: Stack
) -> None:
    assert place.run("flush", REDIS_URL=stack.copying).result["flushed"] is True
    with service(stack) as cache:
        assert cache.dbsize() == 0
