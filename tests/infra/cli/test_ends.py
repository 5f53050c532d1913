"""How the command ends where its output goes nowhere, or Ctrl-C comes before it has begun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.layered import STACK, folder

pytestmark = pytest.mark.unit
MAIN = "from infra.entry import main; main()"
INTERRUPTED = """\
import sys
class Finder:
    def find_spec(self, name, *_):
        if name == "{name}":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
from infra.entry import main
main()
"""


def ran(stacks: Path, program: str, *arguments: str, stdout: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SLIPWAY_STACKS": str(stacks)}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(
        command, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.mark.parametrize(
    "arguments", [("check",), ("check", "--format", "json"), ("explain", STACK), ("--help",)]
)
def test_output_that_cannot_be_written_is_told_without_a_trace(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        answer = ran(folder(tmp_path), MAIN, *arguments, stdout=full.fileno())
    assert (answer.returncode, answer.stderr) == (
        1,
        "standard output: cannot be written: no space left on device\n  → see to space and rights there\n",
    )


@pytest.mark.parametrize("arguments", [("check",), ("explain", STACK)])
def test_a_reader_that_has_gone_is_no_news(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    answer = ran(folder(tmp_path), MAIN, *arguments, stdout=writing)
    os.close(writing)
    assert (answer.returncode, answer.stderr) == (1, "")


@pytest.mark.parametrize("module", ["typer", "infra.cli", "infra.cli.verbs", "infra.settings.check"])
def test_a_ctrl_c_while_the_command_is_imported_leaves_no_trace(tmp_path: Path, module: str) -> None:
    program = INTERRUPTED.format(name=module)
    answer = ran(folder(tmp_path), program, "check", stdout=subprocess.DEVNULL)
    assert answer.returncode == 130
    assert answer.stderr.strip() == "interrupted; run the same command again to continue"
