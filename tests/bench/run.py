"""`make bench`: the figures of the main job, each beside a floor measured in the same run."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from infra import stack as stacks
from infra.paths import ROOT
from infra.sandbox.config import SandboxConfig
from tests.bench import backups, checking, dispatch_list, policy, reviewing, service_chain, tracing

STACK = "sandbox"
RUNS = 3
SLIPWAY = str(ROOT / ".venv" / "bin" / "slipway")
MARKED_FILE = ROOT / "app" / "main.py"
EMPTY_PROGRAM = {"Pulumi.yaml": "name: empty\nruntime: python\n", "__main__.py": "import pulumi\n"}


def seconds(command: list[str], environment: dict[str, str], cwd: Path = ROOT) -> float:
    """Wall-clock seconds of one run; a failing command ends the benchmark with its output."""
    begun = time.monotonic()
    answer = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{' '.join(command)}\n{answer.stdout}\n{answer.stderr}")
    return time.monotonic() - begun


def median(measure: Callable[[], float]) -> float:
    """The median of RUNS measurements after one that does not count."""
    measure()
    return statistics.median(measure() for _ in range(RUNS))


@contextlib.contextmanager
def empty_project(environment: dict[str, str]) -> Iterator[tuple[Path, dict[str, str]]]:
    """A Pulumi project without resources: what the engine and the language host cost by themselves."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in EMPTY_PROGRAM.items():
            (Path(name) / file).write_text(text)
        bare = {**environment, "PULUMI_BACKEND_URL": f"file://{name}"}
        seconds(["pulumi", "stack", "init", "empty", "--non-interactive"], bare, Path(name))
        yield Path(name), bare


def code_change_to_serving(environment: dict[str, str]) -> float:
    """Seconds from a changed line in app/ to every request being answered by the new version."""
    url = stacks.outputs(STACK)["url"]
    before, text = httpx.get(f"{url}/health").json()["version"], MARKED_FILE.read_text()
    try:
        begun = time.monotonic()
        MARKED_FILE.write_text(f"{text}# benchmark {begun}\n")
        seconds([SLIPWAY, "up"], environment)
        until = begun + 300
        while httpx.get(f"{url}/health").json()["version"] == before and time.monotonic() < until:
            time.sleep(0.1)
        return time.monotonic() - begun
    finally:
        MARKED_FILE.write_text(text)
        seconds([SLIPWAY, "up"], environment)


def cluster_memory() -> int:
    """Bytes: proportional set size of all processes in the cluster's network namespace (proc(5))."""
    node = Path(f"/run/netns/{SandboxConfig().namespace}").stat().st_ino
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            inside = (entry / "ns/net").stat().st_ino == node
            rollup = (entry / "smaps_rollup").read_text() if inside else ""
        except OSError:  # it ended meanwhile
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def main() -> None:
    """Print one line per figure, and all as JSON on the last line."""
    checks = checking.main() | service_chain.main() | tracing.main() | dispatch_list.main()
    checks |= backups.main([]) | policy.main() | reviewing.main()
    environment = {**os.environ, **stacks.environment(STACK)}
    preview = ["pulumi", "preview", "--non-interactive", "--stack"]
    with empty_project(environment) as (empty, bare):
        floor = median(lambda: seconds([*preview, "empty"], bare, empty))
    unchanged = median(lambda: seconds([*preview, STACK], environment))
    up = median(lambda: seconds([SLIPWAY, "up"], environment))
    change = code_change_to_serving(environment)
    memory = cluster_memory() / (1 << 20)
    print(f"pulumi preview of an empty program          {floor:7.2f} s   1.0")
    print(f"pulumi preview with nothing changed         {unchanged:7.2f} s   {unchanged / floor:.1f}")
    print(f"slipway up with nothing changed             {up:7.2f} s   {up / floor:.1f}")
    print(f"a line changed in app/ to the new version   {change:7.2f} s   {change / floor:.1f}")
    print(f"memory of the whole cluster                 {memory:7.0f} MiB")
    figures = {
        "floor": floor,
        "preview": unchanged,
        "up": up,
        "change": change,
        "memory_mib": memory,
        **checks,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    dispatch_list.refuse_slow(checks)


if __name__ == "__main__":
    main()
