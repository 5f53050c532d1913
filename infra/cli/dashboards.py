"""`slipway dashboards`: a stack's dashboards from its live Prometheus, as a table, pictures or a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.lifecycle import Stack
from infra.errors import EXIT_FAILED, UserError

if TYPE_CHECKING:
    from infra.dashboards.read import Picture, Shown
    from infra.monitoring.panel import Board
    from infra.monitoring.variables import Window
    from infra.settings.model import Settings

SINCE = re.compile(r"(\d{1,4})([mhd])")
SIZES = {"m": 60, "h": 3600, "d": 86_400}
LEAST_SECONDS, MOST_SECONDS = 300, 90 * 86_400
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Dashboards; all without any.")]
Png = Annotated[bool, typer.Option("--png", help="Draw a picture of each.")]
Html = Annotated[bool, typer.Option("--html", help="Draw one page with all of them, in a single file.")]
Since = Annotated[str, typer.Option("--since", help="The time to draw: 30m, 1h, 2d.")]
To = Annotated[Path, typer.Option("--to", help="Folder of what is drawn.")]


def dashboards(
    stack: Stack = "sandbox",
    names: Names = None,
    png: Png = False,
    html: Html = False,
    since: Since = "1h",
    to: To = Path("build/dashboards"),
) -> None:
    """List the panels of every dashboard with their values now, or draw them; exit code 1 if one is empty."""
    from infra import alerting
    from infra.dashboards import read
    from infra.settings import check

    settings = check.load(stack, secrets=False)
    boards = chosen(settings, names or [])
    window, moment = _window(settings, since), datetime.now(UTC)
    where = alerting.place(stack)
    if png or html:
        pictures = read.over(where, boards, window, moment)
        _drawn(pictures, to, png=png, html=html)
    else:
        pictures = read.now(where, boards, window, moment)
        show(stack, pictures)
    _judged(pictures)


def chosen(settings: Settings, names: list[str]) -> list[Board]:
    """Dashboards by name, in the catalogue's order. Raises UserError for a name that there is not."""
    from infra.monitoring import catalogue

    known = {board.uid.value: board for board in catalogue.boards(settings)}
    if unknown := [name for name in names if name not in known]:
        what = f"is no dashboard of {settings.stack}"
        raise UserError.of(f"dashboard {unknown[0]}", what, f"take one of {', '.join(known)}")
    return [board for name, board in known.items() if not names or name in names]


def _window(settings: Settings, since: str) -> Window:
    from infra.monitoring.variables import Window

    found = SINCE.fullmatch(since)
    seconds = int(found[1]) * SIZES[found[2]] if found else 0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise UserError.of("--since", f"{since!r} is no time from 5m to 90d", "write it as 30m, 1h or 2d")
    return Window(seconds, settings.monitoring.scrape_interval_seconds)


def _drawn(pictures: list[Picture], folder: Path, *, png: bool, html: bool) -> None:
    from infra.dashboards import draw, page

    folder.mkdir(parents=True, exist_ok=True)
    drawn = {picture.board.uid.value: draw.png(picture) for picture in pictures}
    for name, data in drawn.items() if png else ():
        _written(folder / f"{name}.png", data)
    if html:
        _written(folder / "dashboards.html", page.html(pictures, drawn).encode())


def _written(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    typer.echo(f"{path}: {len(data) / 1024:.0f} KiB")


def _judged(pictures: list[Picture]) -> None:
    empty = [shown for picture in pictures for shown in picture.shown.values() if shown.empty]
    if empty:
        total = sum(len(picture.shown) for picture in pictures)
        named = ", ".join(shown.panel.key for shown in empty)
        typer.echo(f"{len(empty)} of {total} panels have no data: {named}", err=True)
        raise typer.Exit(EXIT_FAILED)


def show(stack: str, pictures: list[Picture]) -> None:
    """The table of `slipway dashboards`."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for picture in pictures:
        console.print(Text(f"{picture.board.uid} of {stack}: {picture.board.description}", style="bold"))
        table = Table("panel", "now", "series", box=None)
        for shown in picture.shown.values():
            now = Text("no data", style="red") if shown.empty else Text(value(shown))
            table.add_row(shown.panel.title, now, str(len(shown.series)))
        console.print(table)
        console.print()


def value(shown: Shown) -> str:
    """The one value, or from the lowest to the highest; states in words."""
    from infra.dashboards import units
    from infra.monitoring.panel import Kind

    values = sorted(series.last for series in shown.series)
    if shown.panel.kind is Kind.STATES:
        bad = [series.legend for series in shown.series if series.last == float(shown.panel.bad.value)]
        return f"bad: {', '.join(bad)}" if bad else "good"
    lowest, highest = (units.text(each, shown.panel.unit) for each in (values[0], values[-1]))
    return highest if lowest == highest else f"{lowest} to {highest}"
