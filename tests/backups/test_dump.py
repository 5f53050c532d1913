"""What a backup holds, and what its manifest says of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.backups.__main__ import main
from infra.backups.config import VARIABLES
from tests.app.servers import POSTGRES_BIN, Postgres, RedisServer
from tests.backups.conftest import DATABASE, ROWS, Environ
from tests.backups.running import run
from tests.backups.servers import STACK, ObjectStore

pytestmark = pytest.mark.integration

ENDINGS = {
    ("zstd", "age"): ".zst.age",
    ("gzip", "age"): ".age",
    ("none", "none"): "",
    ("zstd", "none"): ".zst",
}


def piped(data: bytes, *commands: list[str]) -> bytes:
    """What the programs make of it, one after the other."""
    for command in commands:
        data = subprocess.run(command, input=data, check=True, capture_output=True).stdout
    return data


def opened(data: bytes, name: str, keys: Path) -> bytes:
    """A stored object as it was before compression and encryption, by the programs that people have."""
    if name.endswith(".age"):
        data = piped(data, ["age", "-d", "-i", str(keys / "identity")])
    return piped(data, ["zstd", "-dcq"]) if ".zst" in name else data


def manifest_of(store: ObjectStore, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.get(f"{STACK}/{name}/manifest.json"))
    return found


@pytest.mark.parametrize(("compression", "encryption"), ENDINGS)
def test_a_backup_is_a_readable_dump_and_a_manifest_that_names_its_bytes(
    environment: Environ, store_server: ObjectStore, keys: Path, compression: str, encryption: str
) -> None:
    settings = {"BACKUP_COMPRESSION": compression, "BACKUP_ENCRYPTION": encryption}
    name = run(environment("writer", **settings), "dump").result["backup"]
    stored = f"database.dump{ENDINGS[compression, encryption]}"
    assert list(store_server.keys()) == [f"{STACK}/{name}/{each}" for each in (stored, "manifest.json")]
    data = store_server.get(f"{STACK}/{name}/{stored}")
    manifest = manifest_of(store_server, name)
    assert manifest["objects"] == [
        {"name": stored, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    ]
    toc = piped(opened(data, stored, keys), [str(POSTGRES_BIN / "pg_restore"), "--list"]).decode()
    assert "TABLE DATA public transactions" in toc
    assert f"Compression: {'-1' if compression == 'gzip' else '0'}\n" in toc


def test_the_manifest_has_rows_and_keys_of_every_table(
    environment: Environ, store_server: ObjectStore, postgres_server: Postgres
) -> None:
    manifest = manifest_of(store_server, run(environment("writer"), "dump").result["backup"])
    tables = {table["name"]: table for table in manifest["tables"]}
    listed = postgres_server.sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=DATABASE
    )
    assert set(tables) == set(listed.split())
    assert tables["transactions"]["rows"] == tables["orders"]["rows"] == ROWS
    for name, columns in (
        ("transactions", "id"),
        ("driver_locations", "driver_id, recorded_at"),
        ("deleted_users", 'clerk_user_id COLLATE "C"'),
    ):
        text = postgres_server.sql(
            "SET TimeZone = 'UTC'",
            f"COPY (SELECT {columns} FROM {name} ORDER BY {columns}) TO STDOUT",  # noqa: S608
            database=DATABASE,
        )
        expected = hashlib.sha256(f"{text}\n".encode() if text else b"").hexdigest()
        assert (name, tables[name]["keys"]) == (name, expected)
    assert manifest["schema_revision"] == "0008"
    assert manifest["server_version"].startswith("15.")


def test_dump_and_figures_are_of_one_moment_while_rows_keep_coming(
    environment: Environ, store_server: ObjectStore, postgres_server: Postgres, keys: Path
) -> None:
    insert = "INSERT INTO deleted_users (clerk_user_id) SELECT gen_random_uuid()"
    psql = [str(POSTGRES_BIN / "psql"), "-Xq", "-d", postgres_server.address("owner", DATABASE)]
    with subprocess.Popen(psql, stdin=subprocess.PIPE, text=True) as writer:
        assert writer.stdin
        writer.stdin.write(f"{insert}\\watch 0.005\n")
        writer.stdin.flush()
        try:
            name = run(environment("writer"), "dump").result["backup"]
        finally:
            writer.kill()
    rows = next(t["rows"] for t in manifest_of(store_server, name)["tables"] if t["name"] == "deleted_users")
    stored = f"{STACK}/{name}/database.dump.zst.age"
    dump = opened(store_server.get(stored), stored, keys)
    data = piped(dump, [str(POSTGRES_BIN / "pg_restore"), "--data-only", "--table=deleted_users", "--file=-"])
    assert data.decode().split("FROM stdin;\n")[1].split("\\.")[0].count("\n") == rows
    postgres_server.sql("TRUNCATE deleted_users", database=DATABASE)


def test_keys_that_look_like_the_end_of_an_answer_are_counted(
    environment: Environ, store_server: ObjectStore, postgres_server: Postgres
) -> None:
    values = ["\\.", "a\\.", "\\.\n\\.", "\n", ""]
    quoted = ", ".join("(E'" + value.replace("\\", "\\\\").replace("\n", "\\n") + "')" for value in values)
    postgres_server.sql(
        "SET ROLE ledger_owner",
        'CREATE SCHEMA "Odd"',
        'CREATE TABLE "Odd"."a b" (id text PRIMARY KEY)',
        f'INSERT INTO "Odd"."a b" VALUES {quoted}',  # noqa: S608
        "CREATE TABLE keyless AS SELECT generate_series(1, 7)",
        database=DATABASE,
    )
    try:
        manifest = manifest_of(store_server, run(environment("writer"), "dump").result["backup"])
    finally:
        postgres_server.sql('DROP SCHEMA "Odd" CASCADE', "DROP TABLE keyless", database=DATABASE)
    tables = {table["name"]: (table["rows"], table["keys"]) for table in manifest["tables"]}
    text = "\n\\n\n\\\\.\n\\\\.\\n\\\\.\na\\\\.\n"
    assert tables["Odd.a b"] == (len(values), hashlib.sha256(text.encode()).hexdigest())
    assert tables["keyless"] == (7, "")


def test_a_full_backup_holds_the_cache_and_the_rendered_configuration_too(
    environment: Environ, store_server: ObjectStore, redis_server: RedisServer, keys: Path, tmp_path: Path
) -> None:
    folder = mounted(tmp_path / "configuration")
    subprocess.run(
        ["redis-cli", "-p", str(redis_server.port), "SET", "greeting", "안녕"],
        env={"PATH": "/usr/bin", "REDISCLI_AUTH": redis_server.password},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    settings = {"REDIS_URL": redis_server.address, "BACKUP_CONFIGURATION": str(folder)}
    said = run(environment("writer", **settings), "dump", "--kind", "full")
    assert said.result["objects"] == [
        f"{each}.zst.age" for each in ("database.dump", "redis.rdb", "configuration.tar")
    ]
    got = {
        key.rsplit("/", 1)[1]: opened(store_server.get(key), key, keys)
        for key in list(store_server.keys())
        if not key.endswith("manifest.json")
    }
    assert restored_redis(got["redis.rdb.zst.age"], tmp_path) == "안녕"
    names = piped(got["configuration.tar.zst.age"], ["tar", "--list"]).decode().split()
    assert names == ["./", "./nginx.conf", "./team.yaml"]
    assert piped(got["configuration.tar.zst.age"], ["tar", "-xO", "./team.yaml"]) == b"team: endy\n"


def mounted(folder: Path) -> Path:
    """A folder as the kubelet mounts a ConfigMap: names are links into ..data, itself a link."""
    (folder / "..2026").mkdir(parents=True)
    for name, text in (("nginx.conf", "events {}\n"), ("team.yaml", "team: endy\n")):
        (folder / "..2026" / name).write_text(text)
        (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data").symlink_to("..2026")
    return folder


def restored_redis(rdb: bytes, folder: Path) -> str:
    """The value of ``greeting`` in a new Redis that begins with this file."""
    server = RedisServer()
    try:
        (server.folder / "dump.rdb").write_bytes(rdb)
        server.start()
        ask = ["redis-cli", "-p", str(server.port), "GET", "greeting"]
        environment = {"PATH": "/usr/bin", "REDISCLI_AUTH": server.password}
        return subprocess.run(ask, env=environment, check=True, capture_output=True, text=True).stdout.strip()
    finally:
        server.remove()


def test_no_line_ever_holds_a_password_or_a_key(
    environment: Environ,
    store_server: ObjectStore,
    postgres_server: Postgres,
    redis_server: RedisServer,
    keys: Path,
    tmp_path: Path,
) -> None:
    secrets = [
        postgres_server.password,
        redis_server.password,
        *store_server.secrets.values(),
        (keys / "signing-key").read_text().strip(),
    ]
    variables = environment("writer", REDIS_URL=redis_server.address)
    wrong = {
        "DATABASE_URL": f"postgresql://nobody:{postgres_server.password}@127.0.0.1:1/ledger",
        "REDIS_URL": f"redis://:{redis_server.password}@127.0.0.1:1/0",
        "AWS_ACCESS_KEY_ID": "nobody",
    }
    outputs = [run(variables, "dump", "--kind", "full").output]
    for name, value in wrong.items():
        said = run(variables | {name: value}, "dump", "--kind", "full")
        assert said.code == 1
        outputs.append(said.output)
    assert [secret for secret in secrets for output in outputs if secret in output] == []


def test_help_names_every_verb_variable_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for word in ("dump", "list", "verify", "retain", "exporter", *VARIABLES, "exit codes"):
        assert word in said


@pytest.mark.parametrize("words", ["dump --kind half", "verify ../../etc", "verify", "restart", ""])
def test_what_is_no_verb_or_option_ends_with_2(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert "usage: python -m infra.backups" in capsys.readouterr().err


def test_a_program_that_the_image_lacks_is_named(environment: Environ, tmp_path: Path) -> None:
    for name in ("pg_dump", "psql", "age"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    said = run(environment("writer", PATH=str(tmp_path)), "dump")
    assert said.problems == ["zstd: the program is not there → use the image `backups`, which has it"]
