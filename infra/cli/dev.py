"""`slipway dev`: the service with reload on a PostgreSQL and a Redis of its own, without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.errors import UserError

app = typer.Typer(
    name="dev", invoke_without_command=True, help="The service on this machine, without a cluster."
)
DEFAULT_PORT = 8000


@app.callback()
def dev(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the service listens.")] = DEFAULT_PORT,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with empty data.")] = False,
    source: Annotated[
        Path | None, typer.Option(help="Folder that holds app/; this project without it.")
    ] = None,
) -> None:
    """Run PostgreSQL, Redis and the service, which starts again when its code changes; Ctrl-C ends them."""
    if context.invoked_subcommand:
        return
    from infra import paths
    from infra.dev.folder import Folder
    from infra.dev.run import develop
    from infra.progress import Progress

    wanted = (source or paths.ROOT).expanduser().resolve()
    try:
        develop(Folder(paths.dev_dir()), wanted, port, Progress(), fresh=fresh)
    except KeyboardInterrupt:
        typer.echo("ended; the data are kept for the next slipway dev", err=True)


@app.command()
def token() -> None:
    """Print the development token, which stands for a user: Authorization: Bearer $(slipway dev token)."""
    from infra import paths
    from infra.dev.folder import Folder
    from infra.settings.secrets import SecretName

    typer.echo(Folder(paths.dev_dir()).secret(SecretName.DEV_TOKEN))


@app.command()
def env() -> None:
    """Print the running service's variables, secrets included: eval "$(slipway dev env)"."""
    from infra import paths
    from infra.dev.run import ENVIRONMENT_FILE

    file = paths.dev_dir() / ENVIRONMENT_FILE
    if not file.is_file():
        raise UserError.of(str(file.parent), "holds no variables yet", "run first: slipway dev")
    typer.echo(file.read_text(), nl=False)
