"""`slipway backup now | list | verify | status`: made, listed, read to the last byte; whether all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.lifecycle import Stack
from infra.errors import EXIT_FAILED

if TYPE_CHECKING:
    from infra.backup_health import Health

app = typer.Typer(help="Backups of a stack: make one, list, check.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


@app.command()
def now(
    stack: Stack = "sandbox",
    full: Annotated[bool, typer.Option("--full", help="Also the cache and the configuration.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a backup at once, and follow it."""
    from infra import backup_jobs
    from infra.cli import backup_view as view

    job = backup_jobs.start(backup_jobs.place(stack), "full" if full else "database")
    made = view.run(job, deletes=True, as_json=as_json)
    if as_json:
        view.plain(_bare(made))
        return
    typer.echo(
        f"{made.get('backup')}: {view.size(made.get('bytes', 0))} of {made.get('rows')} rows in "
        f"{made.get('tables')} tables, after {made.get('seconds')} s"
    )


@app.command("list")
def list_backups(stack: Stack = "sandbox", as_json: AsJson = False) -> None:
    """List the backups that are there, the newest first, and what is wrong with any of them."""
    from infra import backup_jobs
    from infra.cli import backup_view as view

    found = backup_jobs.ask(backup_jobs.place(stack), "list")["backups"]
    if as_json:
        view.plain({"stack": stack, "backups": found})
    else:
        show(stack, found)


@app.command()
def verify(
    stack: Stack = "sandbox",
    backup: Annotated[str | None, typer.Argument(metavar="ID", help="As `list` names it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read every byte of a backup (the newest without an ID) and compare it with its manifest."""
    from infra import backup_jobs
    from infra.cli import backup_view as view

    where = backup_jobs.place(stack)
    chosen = backup or newest(stack, backup_jobs.ask(where, "list")["backups"])["id"]
    read = view.run(backup_jobs.start(where, "restore", ["verify", chosen]), deletes=True, as_json=as_json)
    if as_json:
        view.plain(_bare(read))
    else:
        typer.echo(f"{chosen}: {view.size(read.get('bytes', 0))} are as its manifest says")


@app.command()
def status(stack: Stack = "sandbox", as_json: AsJson = False) -> None:
    """Say when backups and drill ran, what comes next, and what is wrong; exit code 1 if anything is."""
    import dataclasses

    from infra import backup_health, backup_jobs
    from infra.cli import backup_view as view

    found = backup_health.gather(backup_jobs.place(stack))
    if as_json:
        view.plain({**dataclasses.asdict(found), "healthy": found.healthy})
    else:
        _show_health(found)
    raise typer.Exit(0 if found.healthy else EXIT_FAILED)


def newest(stack: str, backups: list[dict[str, Any]]) -> dict[str, Any]:
    """The newest backup that can be relied on. Raises UserError where there is none."""
    from infra.errors import UserError

    sound = [backup for backup in backups if backup["created"] and not backup["problem"]]
    if not sound:
        what = f"{len(backups)} are there, and none can be relied on" if backups else "there is none"
        raise UserError.of(f"backups of {stack}", what, f"make one: slipway backup now {stack}")
    return max(sound, key=lambda backup: str(backup["created"]))


def show(stack: str, backups: list[dict[str, Any]]) -> None:
    """The table of `slipway backup list`."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from infra.cli import backup_view as view

    table = Table(box=None, title=f"backups of {stack}")
    for heading in ("backup", "", "kind", "created", "size", "schema", "verified"):
        table.add_column(heading, no_wrap=heading == "backup")
    for backup in backups:
        state = Text("wrong", style="red") if backup["problem"] else Text("sound", style="green")
        verified = Text(_minute(backup["verified"]), style="green" if backup["verified"] else "yellow")
        table.add_row(
            backup["id"],
            state,
            backup["kind"] or "-",
            _minute(backup["created"]),
            view.size(backup["bytes"] or 0),
            backup["schema_revision"] or "-",
            verified,
        )
    console = Console(highlight=False)
    console.print(table if backups else f"{stack} has no backup yet: slipway backup now {stack}")
    for backup in backups:
        if backup["problem"]:
            console.print(backup["problem"], markup=False, soft_wrap=True, style="red")


def _show_health(found: Health) -> None:
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from infra.cli.status import ago

    console, moment = Console(highlight=False), datetime.now(UTC)
    table = Table("", "schedule", "last run", "last success", "next run", box=None)
    table.title = f"backups of {found.stack}"
    for run in found.runs:
        table.add_row(
            run.name, run.schedule, ago(run.last, moment), ago(run.succeeded, moment), _minute(run.next)
        )
    console.print(table)
    console.print(f"  newest backup   {found.newest or '-'}\n  newest verified {found.verified or '-'}")
    if archive := found.archive:
        age = "-" if archive.age_seconds is None else f"{archive.age_seconds} s ago"
        since = (archive.restorable_from or "-").replace("T", " ")
        console.print(f"  any second since {since}; last segment archived {age}, {archive.waiting} waiting")
    style = "green" if found.healthy else "red"
    said = "\n".join(found.troubles) or "Everything is well."
    console.print(said, markup=False, soft_wrap=True, style=style)


def _minute(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "-"


def _bare(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in {"event", "timestamp"}}
