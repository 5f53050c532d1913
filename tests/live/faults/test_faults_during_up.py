"""What goes wrong during `slipway up`: one clear message, and the old version keeps serving."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.images import Catalogue, Image, reference
from infra.paths import ROOT
from tests.live.facts import eventually

pytestmark = pytest.mark.live
Run = Callable[..., subprocess.CompletedProcess[str]]
Change = Callable[[dict[str, Any]], None]
Edit = Callable[[Change], None]
SLIPWAY = str(ROOT / ".venv" / "bin" / "slipway")
QUICK_FAILURE = {"progress_deadline_seconds": 30, "migration_seconds": 60, "migration_retries": 0}


def service(**values: Any) -> Change:
    """A change of the stack file's service section."""

    def change(config: dict[str, Any]) -> None:
        config["slipway:service"] = {**config.get("slipway:service", {}), **values}

    return change


@contextmanager
def never_failing(url: str) -> Iterator[list[str]]:
    """Ask /health all the time; the list holds every answer that was not healthy."""
    failures: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.1):
            try:
                answer = httpx.get(f"{url}/health", timeout=5)
                if answer.status_code != 200:
                    failures.append(f"{answer.status_code} {answer.text[:200]}")
            except httpx.TransportError as error:
                failures.append(repr(error))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield failures
    finally:
        over.set()
        thread.join()


def test_an_image_that_does_not_exist_is_named_while_the_old_version_serves(
    slipway: Run, stack_file: Edit, restored: None, outputs: dict[str, Any]
) -> None:
    missing = "localhost/slipway/service:nowhere"

    def change(config: dict[str, Any]) -> None:
        config["slipway:images"] = {**config.get("slipway:images", {}), "service": missing}

    stack_file(change)
    with never_failing(outputs["url"]) as failures:
        answer = slipway("up")
    said = answer.stdout + answer.stderr
    assert answer.returncode != 0
    assert missing in said
    assert "cannot be pulled" in said
    assert "Traceback" not in said
    assert failures == []


@pytest.fixture
def broken_image(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The service's image with one more migration, which fails; loaded into the cluster's containerd."""
    from infra.sandbox.config import SandboxConfig
    from tests.live.faults.images import with_file

    migration = tmp_path / "9999_fails.py"
    migration.write_text(
        "from alembic import op\n"
        "revision, branch_labels, depends_on = '9999', None, None\n"
        f"down_revision = {head()!r}\n"
        "def upgrade():\n    op.execute('ALTER TABLE no_such_table ADD COLUMN x int')\n"
        "def downgrade():\n    pass\n"
    )
    name = "localhost/slipway/service:broken-migration"
    config = SandboxConfig()
    with with_file(
        config, reference(Image.SERVICE, Catalogue.SANDBOX), migration, "migrations/versions", name
    ):
        yield name


def head() -> str:
    """The newest revision of the service's migrations."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    found = ScriptDirectory.from_config(Config(ROOT / "app" / "alembic.ini")).get_current_head()
    assert found
    return found


def test_a_migration_that_fails_is_shown_with_its_last_lines_while_the_old_version_serves(
    slipway: Run, stack_file: Edit, restored: None, broken_image: str, outputs: dict[str, Any]
) -> None:
    def change(config: dict[str, Any]) -> None:
        config["slipway:images"] = {**config.get("slipway:images", {}), "service": broken_image}
        service(rollout=QUICK_FAILURE)(config)

    stack_file(change)
    with never_failing(outputs["url"]) as failures:
        answer = slipway("up")
    said = answer.stdout + answer.stderr
    assert answer.returncode != 0
    assert "no_such_table" in said
    assert failures == []


@contextmanager
def up_under_way() -> Iterator[subprocess.Popen[str]]:
    """`slipway up` as a user's foreground job, once its pulumi is changing resources."""
    process = subprocess.Popen(
        ["env", "--default-signal=INT", SLIPWAY, "up"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        eventually(lambda: pulumi_below(process.pid), "pulumi runs", 60)
        eventually(lambda: process.poll() is not None or locks(), "pulumi holds the stack's lock", 60)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def pulumi_below(parent: int) -> int | None:
    """The pid of the pulumi engine that ``parent`` started."""
    listing = subprocess.run(
        ["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()[1:]]
    return next((int(pid) for pid, ppid, comm in rows if comm == "pulumi" and int(ppid) == parent), None)


def locks() -> list[Path]:
    """The lock files of the file backend."""
    from infra.paths import state_dir

    return list((state_dir() / "pulumi" / ".pulumi" / "locks").rglob("*.json"))


def test_a_killed_pulumi_leaves_a_lock_that_the_next_up_heals(
    slipway: Run, stack_file: Edit, restored: None
) -> None:
    stack_file(service(rate_limit={"per_minute": 61}))
    with up_under_way() as process:
        pulumi = pulumi_below(process.pid)
        assert pulumi
        os.kill(pulumi, signal.SIGKILL)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert locks(), "the kill came too late to leave a lock"
    answer = slipway("up")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert locks() == []


def test_a_lock_whose_owner_lives_is_left_alone_and_its_owner_is_named(
    slipway: Run, stack_file: Edit, restored: None
) -> None:
    stack_file(service(rate_limit={"per_minute": 61}))
    with up_under_way() as process:
        pulumi = pulumi_below(process.pid)
        assert pulumi
        os.kill(pulumi, signal.SIGSTOP)
        try:
            second = slipway("up")
        finally:
            os.kill(pulumi, signal.SIGCONT)
        first = process.communicate(timeout=120)[0]
    assert second.returncode != 0
    assert str(pulumi) in second.stdout + second.stderr
    assert process.returncode == 0, first


def test_ctrl_c_during_pulumi_up_leaves_nothing_locked_and_the_next_up_completes(
    slipway: Run, stack_file: Edit, restored: None
) -> None:
    stack_file(service(rate_limit={"per_minute": 61}))
    with up_under_way() as process:
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=120)[0]
    assert process.returncode not in (0, None)
    assert "Traceback" not in said
    assert locks() == []
