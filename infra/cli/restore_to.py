"""`slipway restore --to`: the whole database as it was at a second, from the archive of its log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from infra.errors import EXIT_USAGE, UserError

if TYPE_CHECKING:
    from infra.backup_jobs import Event, Job
    from infra.kubectl import Place

OTHERS = ("--at", "--backup", "--from", "--tables", "--into", "--cache", "--undo", "--forget")
Confirm = Callable[[str], None]


def restore_to(where: Place, to: str, confirm: Confirm, *, as_json: bool) -> None:
    """``to``: a moment with its time zone, or ``previous``. Raises UserError."""
    from datetime import UTC, datetime

    from infra import pitr_restore as pitr
    from infra.cli import backup_view as view
    from infra.progress import Progress

    pitr.require(where)
    if to == pitr.PREVIOUS:
        moment, what = to, "puts back the database that the last restore to a second replaced"
    else:
        from infra.backups.pitr import target

        moment = target.stamp(target.parse(to, datetime.now(UTC)))
        pitr.check(where, moment)
        what = f"makes {where.stack} what it was at {moment}, and stops its database for that time"
    confirm(what)
    lines = Progress()

    def run(job: Job) -> Event:
        return view.run(job, deletes=True, as_json=as_json)

    done = pitr.restore(where, moment, run, lambda text: lines.say("postgres", text))
    if as_json:
        view.plain({"stack": where.stack, "to": moment, "proof": done.get("proof")})
        return
    _tell(where.stack, moment, done)


def forget(where: Place) -> None:
    """The copies of the volume go too, where the stack keeps an archive."""
    from infra import pitr_restore as pitr

    if pitr.kept(where):
        pitr.forget(where)


def _tell(stack: str, moment: str, done: Event) -> None:
    proof = done.get("proof") or {}
    if last := proof.get("last_transaction"):
        typer.echo(f"the last transaction in it is of {last}")
    if following := proof.get("next_transaction"):
        typer.echo(f"the first that is not in it is of {following}")
    typer.echo(f"{stack} is what it was {'before that restore' if moment == 'previous' else f'at {moment}'}")
    if moment != "previous":
        typer.echo(
            f"  slipway restore {stack} --to previous   takes it back\n"
            f"  slipway restore {stack} --forget        drops what was live before\n"
            f"  slipway up {stack}                      if a migration has run since then"
        )


def refuse_contradictions(used: list[str]) -> None:
    """Raises UserError for another option beside ``--to``."""
    others = [name for name in used if name in OTHERS]
    if others:
        what = f"stands with {', '.join(others)}, and names the whole database at a second"
        raise UserError.of("--to", what, "use --to alone", exit_code=EXIT_USAGE)
