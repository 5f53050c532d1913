"""`slipway init` cut short at several moments: nothing is left, and the next run succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from infra.sandbox import tools
from tests.infra.onboarding.conftest import ANSWERS, LIGHTHOUSE, SLIPWAY, Machine
from tests.live.facts import eventually

pytestmark = pytest.mark.slow
INTERRUPTED = 130
GATE = """\
#!/bin/sh
[ "$1" = version ] || echo "$1 $2" >> "$GATE_LOG"
exec "$GATE_PULUMI" "$@"
"""


@pytest.fixture
def calls(machine: Machine) -> Path:
    """The file in which every call of Pulumi is a line."""
    gate, log = machine.root / "bin" / "pulumi", machine.root / "calls"
    gate.parent.mkdir()
    gate.write_text(GATE)
    gate.chmod(0o755)
    log.touch()
    machine.extra = {
        "PATH": f"{gate.parent}:{machine.environment['PATH']}",
        "GATE_LOG": str(log),
        "GATE_PULUMI": str(tools.tool("pulumi")),
    }
    return log


def begun(machine: Machine, calls: Path, count: int) -> subprocess.Popen[str]:
    """`slipway init`, and as many calls of Pulumi have been made."""
    process = subprocess.Popen(
        [SLIPWAY, "init", "--answers", str(ANSWERS)],
        env=machine.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    eventually(
        lambda: len(calls.read_text().splitlines()) >= count or process.poll() is not None, f"{count} calls"
    )
    return process


def at_work_below(folder: Path) -> list[str]:
    """The processes whose working directory is below ``folder``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            place = path.readlink()
        except OSError:  # it has ended, or is not ours
            continue
        if place.is_relative_to(folder):
            found.append(path.parent.name)
    return found


@pytest.mark.parametrize("count", [0, 1, 4, 9, 16])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_init_leaves_nothing(
    machine: Machine, calls: Path, count: int, number: signal.Signals
) -> None:
    process = begun(machine, calls, count)
    os.killpg(process.pid, number) if number is signal.SIGINT else process.send_signal(number)
    _, said = process.communicate(timeout=30)
    if process.returncode == 0:  # the signal came after everything was in place
        assert machine.names() == [*LIGHTHOUSE, "schema.json"]
        return
    assert process.returncode in {INTERRUPTED, -number}, said  # -number: before the command could listen
    assert machine.names() == []
    assert "Traceback" not in said or process.returncode == -number


@pytest.mark.parametrize("count", [1, 8])
def test_what_a_killed_init_leaves_is_gone_after_the_next(machine: Machine, calls: Path, count: int) -> None:
    process = begun(machine, calls, count)
    process.kill()
    process.communicate(timeout=30)
    assert [name.startswith(".slipway-") for name in machine.names()] == [True]
    eventually(lambda: not at_work_below(machine.stacks), "the last call of Pulumi has ended")
    assert machine.init().returncode == 0
    assert machine.names() == [*LIGHTHOUSE, "schema.json"]
