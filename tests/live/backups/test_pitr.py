"""A stack restored to a second, on a cluster of its own: `slipway restore --to`, and back again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.paths import ROOT
from infra.sandbox.tools import tool
from tests.live.facts import eventually

pytestmark = [pytest.mark.live, pytest.mark.slow]
CLUSTER = {"sandbox": True, "name": "h8", "network": 4}
PITR = {"enabled": True, "archive_timeout_seconds": 30}
NOT_NEEDED = {"monitoring": {"enabled": False}, "logs": {"enabled": False}}
MINUTE = 60.0
DATABASE = "slipway"


@dataclass
class Stack:
    """The stack ``sandbox`` of another state and another folder of stack files, so that it meets no other."""

    folder: Path

    def slipway(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command, as a user runs it."""
        return subprocess.run(
            [str(ROOT / ".venv" / "bin" / "slipway"), "--stacks", str(self.folder / "stacks"), *arguments],
            env=os.environ | {"XDG_STATE_HOME": str(self.folder / "state")},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def said(self, *arguments: str) -> str:
        """Its standard output; fails with all of it."""
        done = self.slipway(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kubectl(self, *arguments: str) -> str:
        """Standard output of kubectl in the stack's namespace."""
        kubeconfig = self.folder / "state" / "slipway" / "sandbox" / str(CLUSTER["name"]) / "kubeconfig"
        command = [str(tool("kubectl")), f"--kubeconfig={kubeconfig}", "--namespace=sandbox", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=2 * MINUTE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def healthy(self) -> bool:
        """Whether `slipway status` finds nothing wrong, the service's own word included."""
        return self.slipway("status", "sandbox").returncode == 0

    def sql(self, statement: str) -> str:
        """As the superuser in the pod."""
        psql = ["psql", "-XqAt", "-h", "/run/postgresql", "-U", "postgres", "-d", DATABASE, "-c", statement]
        return self.kubectl("exec", "postgres-0", "--container=postgres", "--", *psql).strip()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, up, with its first base backup; its cluster is removed after the last test."""
    made = Stack(tmp_path_factory.mktemp("pitr"))
    (made.folder / "stacks").mkdir()
    shutil.copytree(ROOT / "stacks" / "profiles", made.folder / "stacks" / "profiles")
    sections = {"cluster": CLUSTER, "backups": {"pitr": PITR}, **NOT_NEEDED}
    config = {f"slipway:{name}": section for name, section in sections.items()}
    file = made.folder / "stacks" / "Pulumi.sandbox.yaml"
    file.write_text(json.dumps({"config": config}))
    try:
        made.said("up", "sandbox")
        eventually(
            lambda: json.loads(made.slipway("backup", "status", "sandbox", "--json").stdout)["archive"][
                "restorable_from"
            ],
            "the first base backup is there",
            5 * MINUTE,
        )
        yield made
    finally:
        made.slipway("down", "sandbox")


def rpo(stack: Stack, table: str) -> float:
    """Seconds from a commit until the archive has it."""
    waiting = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
    stack.sql("SELECT pg_switch_wal()")
    eventually(lambda: stack.sql(waiting) == "0", "every segment is archived", MINUTE)
    committed = stack.sql(f"CREATE TABLE {table} (); SELECT clock_timestamp()")
    begun = time.monotonic()
    later = f"SELECT last_archived_time > '{committed}' FROM pg_stat_archiver"  # noqa: S608
    while stack.sql(later) != "t" and time.monotonic() - begun < MINUTE:
        time.sleep(1)
    return time.monotonic() - begun


def test_a_committed_row_is_in_the_store_within_a_minute(stack: Stack) -> None:
    seconds = rpo(stack, "late")
    print(f"RPO: {seconds:.1f} s")
    assert seconds < MINUTE, stack.kubectl("logs", "postgres-0", "--container=postgres", "--tail=40")


def test_a_stack_is_what_it_was_at_a_second_and_again_what_it_was_before_that(stack: Stack) -> None:
    stack.sql("CREATE TABLE kept AS SELECT n AS id FROM generate_series(1, 1000) n")
    noted = stack.sql(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    )
    stack.sql("DELETE FROM kept")
    begun = time.monotonic()
    shown = stack.said("restore", "sandbox", "--to", noted, "--yes", "--json")
    print(f"restore --to: {time.monotonic() - begun:.1f} s")
    proof = json.loads(shown)["proof"]
    assert stack.sql("SELECT count(*) FROM kept") == "1000"
    assert DATABASE in proof["databases"]
    eventually(stack.healthy, "the service goes on by itself", MINUTE)
    stack.said("demo", "sandbox")
    stack.said("restore", "sandbox", "--to", "previous", "--yes")
    assert stack.sql("SELECT count(*) FROM kept") == "0"
    program = ("python3", "-m", "infra.backups.pitr", "forget")  # what --forget asks for
    stack.kubectl("exec", "postgres-0", "--container=postgres", "--", *program)
    folders = stack.kubectl(
        "exec", "postgres-0", "--container=postgres", "--", "ls", "/var/lib/postgresql/volume"
    )
    assert folders.split() == ["data", "lock"]
    seconds = rpo(stack, "later")
    print(f"RPO after a restore and its undo: {seconds:.1f} s")
    assert seconds < MINUTE, stack.kubectl("logs", "postgres-0", "--container=pitr", "--tail=40")


def test_a_moment_that_cannot_be_had_stops_nothing(stack: Stack) -> None:
    pods = ("get", "pod", "postgres-0", "--output", "jsonpath={.metadata.uid}")
    before = stack.kubectl(*pods)
    for moment, words in {
        "2020-01-01T00:00:00Z": "is before the first base backup",
        "2026-11-20T03:00:05": "has no time zone",
    }.items():
        refused = stack.slipway("restore", "sandbox", "--to", moment, "--yes")
        assert refused.returncode in {1, 2}
        assert words in refused.stderr
    assert stack.kubectl(*pods) == before
