"""`slipway pipelines render | trust`: GitHub's workflows or GitLab's file, and whom a cloud's role trusts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from infra.errors import EXIT_FAILED, EXIT_USAGE, UserError
from infra.render.pipelines.who import Who

app = typer.Typer(help="The pipelines of a repository's stacks.", no_args_is_help=True)
Stacks = Annotated[
    list[str] | None,
    typer.Argument(metavar="[STACK]...", help="The stacks; every one with a provider by default."),
]


@app.command()
def render(
    stacks: Stacks = None,
    github: Annotated[bool, typer.Option("--github", help="Refuse stacks of the other provider.")] = False,
    gitlab: Annotated[bool, typer.Option("--gitlab", help="Refuse stacks of the other provider.")] = False,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The repository's root.")] = Path(),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 on a difference.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that slipway did not make.")] = False,
) -> None:
    """Render the workflows or the CI file; what is as rendered already is left alone."""
    from infra import pipelines
    from infra.render.pipelines import chosen, everything

    plan = chosen.planned(stacks or [])
    asked = {name for name, flag in (("github", github), ("gitlab", gitlab)) if flag}
    if asked and asked != {plan.provider.value}:
        what = f"the stacks' pipelines.provider is {plan.provider}"
        remedy = "leave the option out, or change it in the stack files"
        raise UserError.of(f"--{sorted(asked)[0]}", what, remedy, exit_code=EXIT_USAGE)
    files = everything.files(plan)
    changed = pipelines.differing(files, to) if check else pipelines.write(files, to, force=force)
    for name in changed:
        typer.echo(f"{'differs' if check else 'wrote' if name in files else 'removed'} {to / name}")
    typer.echo(f"{len(files)} files of {', '.join(plan.names)}: {len(changed)} changed", err=True)
    if check and changed:
        typer.echo("  → slipway pipelines render", err=True)
        raise typer.Exit(EXIT_FAILED)


@app.command()
def trust(
    stack: Annotated[str, typer.Argument(help="The stack.")],
    who: Annotated[Who, typer.Option("--for", help="Whose trust.")] = Who.APPLY,
) -> None:
    """Print who may take a role or account of the stack, as JSON for the cloud's own command."""
    from infra.render.pipelines import trust as trusts
    from infra.settings import check

    policy = trusts.of(check.load(stack, secrets=False), who)
    typer.echo(json.dumps(policy, indent=2))
