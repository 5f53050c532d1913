"""`slipway alerts list | test`: what fires now, and one alert sent the whole way to see that it arrives."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.lifecycle import Stack

if TYPE_CHECKING:
    from infra.alerting import Firing

app = typer.Typer(help="Alerts of a stack: list them, or send one as a test.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]
STYLES = {"critical": "red", "warning": "yellow"}


@app.command("list")
def list_alerts(stack: Stack = "sandbox", as_json: AsJson = False) -> None:
    """Show what fires now and what is about to; silenced alerts too."""
    from infra import alerting

    found = alerting.firing(alerting.place(stack))
    if as_json:
        alerts = [dataclasses.asdict(alert) for alert in found]
        typer.echo(json.dumps({"stack": stack, "alerts": alerts}, indent=2, ensure_ascii=False))
    else:
        show(stack, found)


@app.command()
def test(stack: Stack = "sandbox", as_json: AsJson = False) -> None:
    """Send one alert, labelled as a test, through Alertmanager to everybody who hears of alerts."""
    from datetime import UTC, datetime

    from infra import alerting

    ways = alerting.send_test(alerting.place(stack), datetime.now(UTC))
    if as_json:
        sent = {"stack": stack, "alert": alerting.TEST_NAME, "receivers": ways}
        typer.echo(json.dumps(sent, indent=2, ensure_ascii=False))
        return
    if not ways:
        typer.echo(
            f"{alerting.TEST_NAME} is in Alertmanager, and {stack} names nobody who hears of alerts: "
            "slipway:monitoring.receivers"
        )
        return
    typer.echo(f"{alerting.TEST_NAME} is on its way to {', '.join(ways)}")
    typer.echo(f"It is over by itself after {alerting.TEST_MINUTES} min, which is told too.")


def show(stack: str, found: list[Firing]) -> None:
    """The table of `slipway alerts list`."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from infra.cli.status import ago

    console, moment = Console(highlight=False), datetime.now(UTC)
    if not found:
        console.print(f"No alert of {stack} fires.")
        return
    table = Table("alert", "severity", "state", "since", "what", box=None, title=f"alerts of {stack}")
    for alert in found:
        severity = Text(alert.severity, style=STYLES.get(alert.severity, ""))
        table.add_row(alert.name, severity, alert.state, ago(alert.since, moment), Text(alert.summary))
    console.print(table)
