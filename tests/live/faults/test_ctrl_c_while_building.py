"""Ctrl-C while `slipway up` compiles: everything ends with it, and nothing half-built counts."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from infra.paths import ROOT
from tests.live.facts import eventually

pytestmark = pytest.mark.live


def users_of(folder: Path) -> list[str]:
    """Command lines of live processes that name ``folder``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_ctrl_c_while_tools_are_built_ends_all_and_leaves_nothing_that_counts(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        ["env", "--default-signal=INT", str(ROOT / ".venv" / "bin" / "slipway"), "up"],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache), "GOFLAGS": "-p=1", "PATH": go_only()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    tools = cache / "slipway" / "tools"
    try:
        # The first that takes its time: etcd, with one compiler at once.
        eventually(lambda: list(tools.glob("etcd/.building-*")), "the build of etcd has begun", 120)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 130, said
    assert "interrupted; run the same command again to continue" in said
    assert "Traceback" not in said
    assert list(tools.glob("etcd/*/built.json")) == []
    eventually(lambda: users_of(cache) == [], "no process works on the cache any more", 60)


def go_only() -> str:
    """PATH without the pinned tools, so that they must be built."""
    return os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if "slipway" not in part)
