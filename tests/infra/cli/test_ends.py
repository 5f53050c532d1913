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


@pytest.mark.parametrize("verb", ["rotate", "set"])
def test_a_stack_before_its_secret_is_told_the_order(tmp_path: Path, verb: str) -> None:
    answer = ran(folder(tmp_path), MAIN, "secrets", verb, STACK, "secretKey", stdout=subprocess.DEVNULL)
    assert answer.returncode == 2
    assert answer.stderr == (
        f"{STACK}: stands where the secret's name is wanted, and that where the stack is\n"
        f"  → slipway secrets {verb} secretKey {STACK}\n"
    )


def test_a_key_that_stands_twice_is_called_as_in_the_check(tmp_path: Path) -> None:
    own = "  slipway:service: {replicas: 1, replicas: 2}\n"
    answer = ran(folder(tmp_path, own), MAIN, "secrets", "list", STACK, stdout=subprocess.DEVNULL)
    assert ":4:34 slipway:service.replicas: stands twice, first in line 4" in answer.stderr
