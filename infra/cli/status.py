"""`slipway status`: what runs, which version, since when, where it answers, and what is wrong in words."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra import names
from infra.errors import EXIT_FAILED, UserError

if TYPE_CHECKING:
    from infra.workloads import Workload

KINDS = "deployments,statefulsets,daemonsets,jobs,pods"
HOUR_MINUTES = 60
DAY_MINUTES = 24 * HOUR_MINUTES

ADDRESSES = ("url", "postgres", "redis", "prometheus", "alertmanager")
LOGS = "logs"


@dataclass(frozen=True)
class Status:
    """A stack at one moment: its parts, addresses and troubles."""

    stack: str
    workloads: list[Workload]
    addresses: dict[str, str]
    troubles: list[str]

    @property
    def healthy(self) -> bool:
        """Nothing is wrong."""
        return not self.troubles


def status(
    stack: Annotated[str, typer.Argument(help="The stack: sandbox, or <team>-<env>.")] = "sandbox",
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Say what runs, which version, since when, addresses, and what is wrong; exit code 1 if anything is."""
    found = gather(stack)
    if as_json:
        typer.echo(json.dumps({**dataclasses.asdict(found), "healthy": found.healthy}, indent=2))
    else:
        show(found)
    raise typer.Exit(0 if found.healthy else EXIT_FAILED)


def gather(stack: str) -> Status:
    """Addresses from Pulumi, the rest from the cluster. Raises UserError where the stack is not up."""
    from infra import stack as stacks
    from infra import workloads

    troubles = _cluster_troubles(stack) if stacks.is_sandbox(stack) else []
    if troubles:
        return Status(stack, [], {}, troubles)
    outputs = stacks.outputs_while_up(stack)
    apart = [names.logs_namespace(outputs["namespace"])] if "logs" in outputs else []
    objects = [item for place in (outputs["namespace"], *apart) for item in _objects(stack, place)]
    addresses = {name: str(outputs[name]) for name in ADDRESSES if outputs.get(name)}
    addresses |= {f"{LOGS} of {store}": url for store, url in outputs.get("logs", {}).items()}
    troubles = workloads.troubles(objects) + _answers(stack, addresses.get("url"))
    return Status(stack, workloads.workloads(objects), addresses, troubles)


def _cluster_troubles(stack: str) -> list[str]:
    """Parts of the stack's sandbox cluster that do not run."""
    from infra import stack as stacks
    from infra.sandbox import cluster
    from infra.sandbox.config import DEFAULT_NAME

    config = stacks.cluster(stack)
    again = "slipway sandbox up" + ("" if config.name == DEFAULT_NAME else f" --name {config.name}")
    down = [part for part in cluster.status(config) if not part.healthy]
    return [f"sandbox {part.name}: {part.detail}; {again} starts it again" for part in down]


def _objects(stack: str, namespace: str) -> list[dict[str, Any]]:
    from infra import kubectl
    from infra import stack as stacks

    where = kubectl.Place(stack, namespace, stacks.surroundings(stack))
    answer = where.kubectl("get", KINDS, "--output", "json", "--request-timeout", "10s")
    if answer.returncode:
        remedy = f"see that it runs; which one it is: slipway explain {stack} cluster.context"
        raise UserError.of(f"cluster of {stack}", kubectl.words(answer.stderr), remedy)
    items: list[dict[str, Any]] = json.loads(answer.stdout)["items"]
    return items


def _answers(stack: str, url: str | None) -> list[str]:
    """What the service itself says about its health; an address inside the cluster is forwarded."""
    import httpx

    from infra import reach
    from infra import stack as stacks

    if not url:
        return []
    try:
        with reach.reachable(url, stacks.surroundings(stack)) as address:
            body = httpx.get(f"{address}/health", timeout=5).json()
    except (httpx.TransportError, ValueError) as error:
        return [f"{url}/health: does not answer: {error}"]
    except UserError as error:
        return [f"{problem.where}/health: {problem.what}" for problem in error.problems]
    bad = [name for name, check in body.get("checks", {}).items() if check != "up"]
    return (
        [] if body.get("status") == "healthy" else [f"{url}/health: {body.get('status')}: {', '.join(bad)}"]
    )


def show(found: Status) -> None:
    """The same for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("", "ready", "version", "since", "restarts", title=f"stack {found.stack}", box=None)
    for part in found.workloads:
        ready, since = f"{part.ready}/{part.wanted}", ago(part.since, datetime.now(UTC))
        table.add_row(f"{part.kind} {part.name}", ready, part.version, since, str(part.restarts))
    console.print(table)
    width = max(map(len, found.addresses), default=0)
    for name, address in found.addresses.items():
        console.print(f"  {name:{width}}  {address}", markup=False, soft_wrap=True)
    console.print("\n".join(found.troubles) or "Everything is healthy.", markup=False, soft_wrap=True)


def ago(moment: str | None, now: datetime) -> str:
    """``2026-11-21T03:00:00Z`` as ``03:00 UTC (5 min)``, with the date once it is a day old."""
    if moment is None:
        return "-"
    then = datetime.fromisoformat(moment)
    minutes = int((now - then).total_seconds()) // 60
    if minutes >= DAY_MINUTES:
        return f"{then:%Y-%m-%d %H:%M} UTC ({minutes // DAY_MINUTES} d)"
    return (
        f"{then:%H:%M} UTC ({minutes} min)"
        if minutes < HOUR_MINUTES
        else f"{then:%H:%M} UTC ({minutes // 60} h)"
    )
