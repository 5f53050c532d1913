"""How long `check.examine` takes for 21 stacks, beside PyYAML reading the same files; needs no sandbox."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from infra.paths import ROOT
from infra.settings import check, layers

TEAMS = 7
ENVIRONMENTS = ("dev", "staging", "prod")
RUNS = 5


def folder(path: Path) -> list[str]:
    """Write 21 stack files, copies of the committed ones, with the project's profiles; return the names."""
    shutil.copytree(ROOT / "stacks" / "profiles", path / "profiles")
    for environment in ENVIRONMENTS:
        files = sorted((ROOT / "stacks").glob(f"Pulumi.*-{environment}.yaml"))
        for number in range(TEAMS):
            shutil.copy(files[number % len(files)], path / f"Pulumi.team{number}-{environment}.yaml")
    return layers.discover(path)


def median_seconds(work: Callable[[], object]) -> float:
    """The median of RUNS runs after one that does not count."""
    work()
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def parsed(path: Path, names: list[str]) -> None:
    """What reading costs by itself: every stack file and its profile once for each stack."""
    for name in names:
        for file in (path / f"Pulumi.{name}.yaml", path / "profiles" / f"{name.rpartition('-')[2]}.yaml"):
            yaml.safe_load(file.read_text("utf-8"))


def figures() -> dict[str, float]:
    """Seconds: checking in this process, PyYAML alone, and the whole command with its start."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        names = folder(path)
        if any(check.examine(stack, path).errors for stack in names):
            raise SystemExit("the committed stack files are not sound: slipway check")
        command = [str(ROOT / ".venv" / "bin" / "slipway"), "--stacks", name, "check"]
        return {
            "check": median_seconds(lambda: [check.examine(stack, path) for stack in names]),
            "check_floor": median_seconds(lambda: parsed(path, names)),
            "check_command": median_seconds(lambda: subprocess.run(command, check=True, capture_output=True)),
            "python": median_seconds(lambda: subprocess.run([sys.executable, "-c", ""], check=True)),
        }


def main() -> dict[str, float]:
    """Print one line per figure; return all."""
    found = figures()
    floor = found["check_floor"]
    print(f"PyYAML reading 21 stacks and their profiles {floor:7.3f} s   1.0")
    print(
        f"checking 21 stacks                          {found['check']:7.3f} s   {found['check'] / floor:.1f}"
    )
    print(f"slipway check with 21 stacks, from its start{found['check_command']:7.3f} s")
    print(f"starting Python                             {found['python']:7.3f} s")
    return found


if __name__ == "__main__":
    main()
