"""`slipway logs`: finds what the pods of a stack have said, by trace id, level, part, words and time."""

from __future__ import annotations

import json
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.lifecycle import Stack
from infra.errors import EXIT_USAGE, UserError

if TYPE_CHECKING:
    from rich.console import Console

    from infra.logs.asking import Search
    from infra.logs.lines import Line

STYLES = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}
NOW = "1s"  # where who follows begins, unless told
SHOWN_LAST = ("exception", "stack")  # of several lines each: below the line


Trace = Annotated[str | None, typer.Option(help="Trace id or X-Request-ID, as the service answers it.")]
Level = Annotated[str | None, typer.Option(help="This level or worse: error.")]
App = Annotated[str | None, typer.Option(help="One part: service, postgres, redis, …")]
Words = Annotated[str | None, typer.Option("--grep", metavar="WORDS", help="Words that stand in the line.")]
Since = Annotated[
    str | None, typer.Option(help="Age or moment: 15m, 2h, 2026-11-28T03:00+09:00; 1h without --trace.")
]
Until = Annotated[str | None, typer.Option(help="Age or moment.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="The newest lines, at most so many.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts: one object a line.")]


def logs(
    stack: Stack = "sandbox",
    trace: Trace = None,
    level: Level = None,
    app: App = None,
    words: Words = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 200,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Show lines of all pods of a stack, the oldest first."""
    from datetime import UTC, datetime

    from infra.logs import asking, stores

    if follow and until:
        what = "has no end before --until"
        raise UserError.of("--follow", what, "leave one of them out", exit_code=EXIT_USAGE)
    wanted = asking.search(
        datetime.now(UTC),
        trace=trace,
        level=level,
        app=app,
        words=words,
        since=since or (NOW if follow else None),
        until=until,
    )
    where, shown = stores.place(stack), Shown(as_json=as_json)
    if not follow:
        shown.all(stack, wanted, stores.found(where, wanted, limit), limit)
        return
    with suppress(KeyboardInterrupt), closing(stores.followed(where, wanted)) as lines:
        for line in lines:
            shown.line(line)


class Shown:
    """Writes lines, for people or for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console: Console | None = None

    def all(self, stack: str, wanted: Search, found: list[Line], limit: int) -> None:
        """What was found; and, beside it, that there may be more, or that there is nothing."""
        for line in found:
            self.line(line)
        if len(found) == limit:
            typer.echo(f"The newest {limit} lines; more with --limit, or a narrower --since.", err=True)
        if not found and not self._as_json:
            typer.echo(f"Nothing found in {stack}: {wanted.told}.")

    def line(self, line: Line) -> None:
        """One line, at once."""
        if self._as_json:
            typer.echo(json.dumps(line.plain(), ensure_ascii=False))
        else:
            self._for_people(line)

    def _for_people(self, line: Line) -> None:
        from rich.console import Console
        from rich.text import Text

        if self._console is None:
            self._console = Console(highlight=False, soft_wrap=True)
        self._console.print(
            Text.assemble(
                (moment(line), "dim"),
                (f" {whose(line)}", "cyan"),
                (f" {line.level or '-':8}", STYLES.get(line.level or "", "")),
                f" {text(line)}",
                *below(line),
            )
        )


def moment(line: Line) -> str:
    """``2026-11-28 11:40:11.896``, UTC."""
    return line.order[:23].replace("T", " ")


def whose(line: Line) -> str:
    """The pod, and its container where that is called otherwise than the part."""
    from infra.logs.lines import harmless

    return harmless(line.pod if line.container in {line.app, ""} else f"{line.pod}/{line.container}")


def text(line: Line) -> str:
    """The message with the other fields behind it."""
    from infra.logs.lines import harmless

    rest = [f"{name}={value}" for name, value in line.fields.items() if name not in SHOWN_LAST]
    return harmless(" ".join([line.message, *rest])).replace("\n", "\n    ")


def below(line: Line) -> list[str]:
    """What fills lines of its own."""
    from infra.logs.lines import harmless

    return [
        "\n    " + harmless(line.fields[name]).rstrip().replace("\n", "\n    ")
        for name in SHOWN_LAST
        if name in line.fields
    ]
