"""Which stacks' pipelines are meant, read from their files: by name, or all that have a provider."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infra import paths
from infra.errors import EXIT_USAGE, Problem, UserError
from infra.names import PROJECT
from infra.render.pipelines import plan
from infra.settings import check, document, layers
from infra.settings.model import Settings
from infra.settings.secrets import PASSPHRASE


def planned(names: Sequence[str], folder: Path | None = None) -> plan.Plan:
    """The plan of these stacks, or of every stack of the folder that has a provider.

    Raises UserError with every problem of the stack files, and where the stacks contradict one another.
    """
    wanted = list(dict.fromkeys(names)) or [
        name for name in layers.discover(folder) if _has_one(name, folder)
    ]
    if not wanted:
        shown = document.display(folder or paths.stacks_dir())
        remedy = "set it in a stack file; stacks/reference.yaml has its keys"
        raise UserError.of(shown, f"no stack has {PROJECT}:pipelines.provider", remedy, exit_code=EXIT_USAGE)
    settings, problems = _loaded(wanted, folder)
    if problems:
        raise UserError(problems)
    return plan.of(settings, {name: _keeper(name, folder) for name in wanted})


def _has_one(name: str, folder: Path | None) -> bool:
    """Whether the draft names a provider; a stack whose name is none has no draft."""
    try:
        return bool(layers.draft(name, folder)["pipelines"].get("provider"))
    except UserError:
        return False


def _loaded(names: Sequence[str], folder: Path | None) -> tuple[list[Settings], list[Problem]]:
    found: list[Settings] = []
    problems: list[Problem] = []
    for name in names:
        try:
            found.append(check.load(name, folder, secrets=False))
        except UserError as error:
            problems += error.problems
    return found, problems


def _keeper(name: str, folder: Path | None) -> str:
    """What encrypts the stack's secrets, as its file says."""
    return str(document.read(layers.stack_file(name, folder)).data.get("secretsprovider") or PASSPHRASE)
