"""`slipway check`: every problem of the stack files at once, before anything is deployed."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from infra.errors import EXIT_FAILED, EXIT_USAGE, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.cli.policy import Judged
    from infra.settings.check import Report


class Format(StrEnum):
    """Who reads the answer?"""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


def check(
    stacks: Annotated[
        list[str] | None, typer.Argument(metavar="[STACK]...", help="The stacks; all of them by default.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every stack file of the folder.")] = False,
    form: Annotated[
        Format, typer.Option("--format", help="text; json or sarif for programs; github for annotations.")
    ] = Format.TEXT,
    policy: Annotated[
        bool, typer.Option("--policy", help="Also every rule of docs/policy.md, on what would be planned.")
    ] = False,
    plan: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="With --policy and one STACK: its pulumi preview --json --show-sames (-: standard input).",
        ),
    ] = None,
) -> None:
    """Check stack files, every problem at once. Exit code 0: sound, 1: problems, 2: nothing to check."""
    if every and stacks:
        raise typer.BadParameter("name stacks, or say --all")
    if plan and not (policy and stacks and len(stacks) == 1):
        raise typer.BadParameter("--plan needs --policy and one stack")
    begun = time.perf_counter()
    reports, judged = examined(list(dict.fromkeys(stacks or [])) or _found()), None
    if policy:
        judged = judge(reports, plan)
        reports = judged.reports
    typer.echo(written(reports, form, time.perf_counter() - begun, judged))
    if any(report.errors for report in reports):
        raise typer.Exit(EXIT_FAILED)


def _found() -> list[str]:
    from infra import paths
    from infra.settings import document, layers

    names = sorted({*layers.discover(), *layers.misnamed()})
    if not names:
        folder = document.display(paths.stacks_dir())
        raise UserError.of(folder, "holds no stack file", "write one: slipway init", exit_code=EXIT_USAGE)
    return names


def examined(names: Sequence[str]) -> list[Report]:
    """One report for each stack. The sandbox's secrets are made by `slipway up`, so that none is missing."""
    from infra.names import SANDBOX
    from infra.settings import check as settings

    return [settings.examine(name, secrets=name != SANDBOX) for name in names]


def judge(reports: Sequence[Report], plan: str | None) -> Judged:
    """The reports with what policy finds. Imported here: it runs the program, for which Pulumi is needed."""
    from infra.cli import policy

    return policy.judged(reports, plan)


def written(reports: Sequence[Report], form: Format, seconds: float, judged: Judged | None = None) -> str:
    """The reports in the form that was asked for; ``judged``: what policy looked at, where it did."""
    from infra.cli import formats, sarif

    if form is Format.JSON:
        return formats.as_json(reports, judged.plain() if judged else None)
    if form is Format.SARIF:
        return sarif.log(reports, judged.named if judged else {})
    said = formats.github(reports, seconds) if form is Format.GITHUB else formats.text(reports, seconds)
    return f"{said}\n{judged}" if judged else said
