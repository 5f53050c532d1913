"""`slipway init`: a team's three stack files from seven answers, with their secrets made and encrypted."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli import folder_option

if TYPE_CHECKING:
    from infra.onboarding.answers import Answers, Given
    from infra.onboarding.run import Made

NEXT = """
Next:
  slipway{folder} check --all
  slipway{folder} preview {team}-dev
  then a pull request with these files; your team reviews dev, the platform's owners staging and prod"""


def init(
    team: Annotated[str | None, typer.Option(help="Name of the team.")] = None,
    module: Annotated[list[str] | None, typer.Option(help="Module of the service; repeat it.")] = None,
    dev_context: Annotated[str | None, typer.Option(help="Kube context of dev, or sandbox.")] = None,
    staging_context: Annotated[str | None, typer.Option(help="Kube context of staging.")] = None,
    prod_context: Annotated[str | None, typer.Option(help="Kube context of prod.")] = None,
    image: Annotated[str | None, typer.Option(help="The service's image with its tag.")] = None,
    domain: Annotated[str | None, typer.Option(help='Domain of prod; "" for no ingress.')] = None,
    secrets_provider: Annotated[
        str | None, typer.Option(help="passphrase, awskms://…, gcpkms://…, azurekeyvault://…, hashivault://…")
    ] = None,
    answers: Annotated[Path | None, typer.Option(help="YAML file with answers; flags win over it.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace stack files that are there; they are kept as .bak.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; defaults for the rest.")] = False,
) -> None:
    """Bring a team aboard: its stack files for dev, staging and prod, with secrets, checked.

    Asks for what is not given by flags or a file; without a terminal it takes the defaults.
    """
    from infra.onboarding import run
    from infra.onboarding.answers import complete, gather
    from infra.progress import Progress

    flags = dict(
        team=team, modules=module, dev_context=dev_context, staging_context=staging_context,
        prod_context=prod_context, image=image, domain=domain, secrets_provider=secrets_provider,
    )  # fmt: skip
    given = gather(flags, answers)
    replace = force
    if sys.stdin.isatty() and not yes:
        replace = _ask(given, force=force)
    made = run.make(given, Progress(), replace_files=replace)
    _show(complete(given), made)


def _ask(given: Given, *, force: bool) -> bool:
    """Ask for what is missing; whether files that are there may be replaced."""
    from infra.errors import EXIT_FAILED
    from infra.onboarding import placing, questions
    from infra.onboarding.answers import refuse_wrong
    from infra.settings import document, layers

    allowed = [force]

    def about(team: str) -> None:
        named = [layers.stack_file(f"{team}-{environment}") for environment in ("dev", "staging", "prod")]
        found = placing.there(named)
        if not found or force:
            return
        if not questions.replace([document.display(path) for path in found]):
            typer.echo("nothing was written", err=True)
            raise typer.Exit(EXIT_FAILED)
        allowed[0] = True

    refuse_wrong(given)
    questions.ask(given, about)
    return allowed[0]


def _show(answers: Answers, made: Made) -> None:
    from infra.names import SANDBOX
    from infra.onboarding import writing
    from infra.onboarding.answers import ISSUER
    from infra.settings import document

    for path in made.files:
        kept = made.kept.get(path.name)
        lines = len(path.read_text(encoding="utf-8").splitlines())
        old = f"; the old one is kept as {kept.name}" if kept else ""
        typer.echo(f"{'replaced' if kept else 'wrote'} {document.display(path)} ({lines} lines{old})")
    for stack in answers.stacks:
        context = answers.context(stack.environment)
        place = "this machine's sandbox" if context == SANDBOX else f"context {context}"
        named = writing.sections(answers, stack.environment).get("ingress")
        outside = f", https://{named['hosts'][0]} (cert-manager issuer {ISSUER})" if named else ""
        typer.echo(f"  {stack}: {place}{outside}")
    typer.echo(f"secrets: {made.secrets} made, encrypted with {_lock(answers)}")
    for note in made.notes:
        typer.echo(f"note: {note}")
    typer.echo("checked: nothing is wrong" if not made.given else "checked; still to be set:")
    for name, stack_name in made.given:
        typer.echo(f"  slipway{folder_option()} secrets set {name} {stack_name}")
    typer.echo(NEXT.format(folder=folder_option(), team=answers.team))


def _lock(answers: Answers) -> str:
    """What the secrets can be read with, and what others need for it."""
    from infra.engine import passphrase
    from infra.settings.flaw import safe
    from infra.settings.secrets import PASSPHRASE

    if answers.secrets_provider != PASSPHRASE:
        return safe(answers.secrets_provider)
    if passphrase.VALUE in os.environ:
        return f"the passphrase in {passphrase.VALUE}"
    if os.environ.get(passphrase.FILE):
        return f"the passphrase in {passphrase.FILE}"
    return (
        f"this machine's passphrase, {passphrase.file()}\n"
        f"  others and CI need it as {passphrase.FILE}; --secrets-provider names a key service instead"
    )
