"""`slipway sandbox`: the Kubernetes of this machine by itself, without a stack on it."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import EXIT_FAILED, EXIT_USAGE, UserError
from infra.progress import Progress

if TYPE_CHECKING:
    from infra.sandbox.cluster import PartStatus
    from infra.sandbox.config import SandboxConfig

app = typer.Typer(name="sandbox", help="The Kubernetes of this machine.", no_args_is_help=True)

Name = Annotated[str, typer.Option("--name", help="The cluster; more than one can stand side by side.")]
Network = Annotated[
    int | None, typer.Option("--network", help="Address ranges of a new cluster, 0 to 9 (0 if left out).")
]
Pods = Annotated[
    str | None,
    typer.Option("--pods", help="What joins the pods: bridge, or cilium, which enforces NetworkPolicies."),
]
Metrics = Annotated[
    bool, typer.Option("--metrics", help="With a metrics-server, for kubectl top; the cluster keeps it.")
]
DEFAULT = "slipway"
FOLLOW_SECONDS = 0.2


@app.command()
def up(name: Name = DEFAULT, network: Network = None, pods: Pods = None, metrics: Metrics = False) -> None:
    """Start the cluster, or mend what does not run of it; builds the tools it lacks."""
    from infra.launch import build_cluster
    from infra.sandbox import cluster, doctor

    config, progress = _config(name, network, pods, metrics=metrics), Progress()
    doctor.require_machine(config)
    build_cluster(config, progress)
    cluster.up(config, progress)
    typer.echo(f"kubeconfig: {config.kubeconfig}")


@app.command()
def down(
    name: Name = DEFAULT,
    keep_data: Annotated[bool, typer.Option("--keep-data", help="Keep objects, volumes and images.")] = False,
) -> None:
    """Remove the cluster and all that it put on this machine."""
    from infra.launch import remove_cluster

    remove_cluster(_config(name), Progress(), keep_data=keep_data)


@app.command()
def status(
    name: Name = DEFAULT, as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False
) -> None:
    """Say how each part is; exit code 1 when one does not serve."""
    from infra.sandbox import cluster

    found = cluster.status(_config(name))
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(part) for part in found], indent=2))
    else:
        _show(found)
    raise typer.Exit(0 if all(part.healthy for part in found) else EXIT_FAILED)


@app.command()
def logs(
    part: Annotated[str, typer.Argument(help="etcd, kubelet, … as `slipway sandbox status` names them.")],
    name: Name = DEFAULT,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added.")] = False,
) -> None:
    """Print the log of a part."""
    from infra.sandbox import parts, processes

    config = _config(name)
    log = parts.log_path(config, part)
    if not log.exists():
        known = ", ".join(sorted(path.stem for path in config.logs.glob("*.log"))) or "none: it was never up"
        raise UserError.of(part, f"cluster {name} has no log of that name", f"choose one of: {known}")
    for line in processes.tail(log, lines):
        typer.echo(line)
    if follow:
        _follow(log)


@app.command()
def kubeconfig(
    name: Name = DEFAULT,
    merge: Annotated[bool, typer.Option("--merge", help="Add it to your own ~/.kube/config.")] = False,
) -> None:
    """Print the path of the cluster's kubeconfig."""
    from infra.sandbox import kubeconfig as files

    config = _config(name)
    if not config.kubeconfig.exists():
        raise UserError.of(f"cluster {name}", "was never up", f"slipway sandbox up --name {name}")
    if merge:
        files.merge(config.kubeconfig, Path.home() / ".kube" / "config")
    typer.echo(config.kubeconfig)


def _config(
    name: str, network: int | None = None, pods: str | None = None, *, metrics: bool = False
) -> SandboxConfig:
    from infra.sandbox.config import PodNetwork, resolve

    if os.geteuid():
        raise UserError.of(
            "root",
            f"uid {os.geteuid()} cannot see or change the sandbox",
            "run the same command with sudo",
            exit_code=EXIT_USAGE,
        )
    known = [word.value for word in PodNetwork]
    if pods not in (None, *known):
        remedy = f"use {' or '.join(known)}"
        raise UserError.of("--pods", f"{pods!r} joins no pods", remedy, exit_code=EXIT_USAGE)
    return resolve(name, network, PodNetwork(pods) if pods else None, metrics=metrics)


def _show(found: list[PartStatus]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("part", "state", "pid", "since", "memory", box=None)
    for part in found:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(part.since)) if part.since else ""
        memory = f"{part.memory_bytes / 2**20:.0f} MiB" if part.memory_bytes else ""
        table.add_row(part.name, part.detail, str(part.pid or ""), since, memory)
    Console(highlight=False).print(table)


def _follow(log: Path) -> None:
    """Print what is added until Ctrl-C; a log that was moved aside is followed from its new start."""
    with log.open(errors="replace") as stream:
        stream.seek(0, os.SEEK_END)
        while True:
            if stream.tell() > log.stat().st_size:
                stream.seek(0)
            if text := stream.read():
                typer.echo(text, nl=False)
            else:
                time.sleep(FOLLOW_SECONDS)
