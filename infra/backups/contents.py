"""What a backup consists of: for each object its name and the programs that write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.backups import database
from infra.backups.config import RECIPIENT, Compression, Config, Encryption
from infra.backups.pipeline import Stage
from infra.errors import UserError

DATABASE, REDIS, CONFIGURATION = "database.dump", "redis.rdb", "configuration.tar"
NAMES = (DATABASE, REDIS, CONFIGURATION)
ZSTD, AGE = ".zst", ".age"
# Level 3 writes faster than PostgreSQL reads, at two thirds of gzip's size; one thread, since the second
# processor belongs to pg_dump.
ZSTD_COMMAND = ("zstd", "-q", "-3", "-T1", "-c")
REDIS_REMEDY = "see that the cache runs and lets this user SYNC: slipway status; then run it again"
FOLDER_REMEDY = "slipway up renders the configuration again; then run it again"
RUN_AGAIN = "run it again; if it ends so again, give the job more memory"


@dataclass(frozen=True)
class Content:
    """One object: its name below the backup's prefix, and the programs that write its bytes."""

    name: str
    stages: tuple[Stage, ...]


def dump(config: Config, snapshot: str) -> Content:
    """The database in PostgreSQL's custom format, as the exported snapshot sees it."""
    level = () if config.compression is Compression.GZIP else ("-Z0",)
    command = (
        "pg_dump",
        "-Fc",
        *level,
        "--no-password",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={database.WAIT_SECONDS}s",
    )
    stage = Stage(command, database.REMEDY, database.environment(database.url(config)))
    return _stored(config, DATABASE, stage)


def redis(config: Config) -> Content:
    """The cache as an RDB file."""
    address = urlsplit(config.redis_url or "")
    if address.scheme not in {"redis", "rediss"} or not address.hostname:
        raise UserError.of("REDIS_URL", "is no address of Redis", "redis://[user][:password]@host:port/0")
    command = ["redis-cli", "-h", address.hostname, "-p", str(address.port or 6379), "--no-auth-warning"]
    if address.username:
        command += ["--user", unquote(address.username)]
    if address.scheme == "rediss":
        command.append("--tls")
    secret: Mapping[str, str] = {}
    if address.password:
        secret = {"REDISCLI_AUTH": unquote(address.password)}
    return _stored(config, REDIS, Stage((*command, "--rdb", "-"), REDIS_REMEDY, secret))


def configuration(config: Config, folder: Path) -> Content:
    """The rendered configuration. A ConfigMap's volume is links to a folder ``..data``: what they lead to is
    saved, under the links' names."""
    command = (
        *("tar", "--create", "--file=-", f"--directory={folder}", "--dereference", "--exclude=./..?*"),
        *("--sort=name", "--owner=0", "--group=0", "--numeric-owner", "."),
    )
    return _stored(config, CONFIGURATION, Stage(command, FOLDER_REMEDY))


def _stored(config: Config, name: str, first: Stage) -> Content:
    """``first`` and what comes behind it: compression, encryption."""
    stages = [first]
    if config.compression is Compression.ZSTD:
        name += ZSTD
        stages.append(Stage(ZSTD_COMMAND, RUN_AGAIN))
    if config.encryption is Encryption.AGE:
        name += AGE
        recipient = str(config.key_file(RECIPIENT))
        stages.append(Stage(("age", "-R", recipient), "slipway up writes the recipient's key again"))
    return Content(name, tuple(stages))
