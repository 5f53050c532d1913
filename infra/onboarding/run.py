"""From answers to stack files: checked, secrets made and encrypted, checked again, moved in all at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from infra import paths
from infra.engine import passphrase
from infra.engine.sealing import Bench, new_value
from infra.errors import EXIT_USAGE, Problem, UserError
from infra.onboarding import placing, writing
from infra.onboarding.answers import Answers, Given, complete
from infra.progress import Progress
from infra.render import generate
from infra.sandbox import tools
from infra.sandbox.children import workers
from infra.scratch import scratch
from infra.settings import check, document, layers
from infra.settings.flaw import Flaw, RefusedError
from infra.settings.sealed import MISSING_SECRET
from infra.settings.secrets import PASSPHRASE, SecretName
from infra.settings.stack import StackName

SCHEMA = "schema.json"
ANSWER_OF = {
    "images": "image",
    "modules": "modules",
    "ingress": "domain",
    "secretsprovider": "secrets_provider",
}


@dataclass(frozen=True)
class Made:
    """What ``slipway init`` wrote. ``kept``: old files by the new one's name; ``given``: secrets that someone
    else issues and that must still be set, by stack."""

    files: tuple[Path, ...]
    kept: dict[str, Path]
    secrets: int
    given: tuple[tuple[SecretName, str], ...]
    notes: tuple[Flaw, ...]


def files(answers: Answers) -> list[Path]:
    """The three stack files, in the order of the environments."""
    return [layers.stack_file(str(stack)) for stack in answers.stacks]


def make(given: Given, progress: Progress, *, replace_files: bool = False) -> Made:
    """Write the team's stack files. Raises UserError with every problem; then nothing was written."""
    answers, folder = complete(given), paths.stacks_dir()
    existing = placing.there(files(answers))
    if existing and not replace_files:
        raise placing.refusal(existing)
    with scratch(folder, placing.undo) as work:
        new = work / placing.NEW
        new.mkdir()
        if (folder / "profiles").is_dir():
            shutil.copytree(folder / "profiles", new / "profiles")
        wanted = _wanted(answers, given, new)
        tools.ensure(tools.PULUMI_TOOLS, progress)
        _seal(answers, wanted, work, progress)
        notes = _check(answers, wanted, new)
        shutil.rmtree(new / "profiles", ignore_errors=True)
        _add_schema(new, folder)
        names = sorted(path.name for path in new.iterdir())
        kept = placing.place(work, folder, replace=replace_files)
    order = [*(path.name for path in files(answers)), SCHEMA]
    return Made(
        files=tuple(folder / name for name in sorted(names, key=order.index)),
        kept=kept,
        secrets=sum(not name.given for found in wanted.values() for name in found),
        given=tuple((name, stack) for stack, found in wanted.items() for name in found if name.given),
        notes=notes,
    )


def _wanted(answers: Answers, given: Given, new: Path) -> dict[str, list[SecretName]]:
    """Each stack's secrets. Raises UserError where the answers break a rule between two values."""
    problems: list[Problem] = []
    wanted: dict[str, list[SecretName]] = {}
    for stack in answers.stacks:
        _write(new, stack, writing.draft(answers, stack.environment))
        report = check.examine(str(stack), new, secrets=False)
        problems += [_as_answer(flaw, stack, given, new) for flaw in report.errors]
        if report.settings:
            names = report.settings.secret_names
            wanted[str(stack)] = [name for name in SecretName if name in names]
    if problems:
        raise UserError(dict.fromkeys(problems), exit_code=EXIT_USAGE)
    return wanted


def _as_answer(flaw: Flaw, stack: StackName, given: Given, new: Path) -> Problem:
    """A flaw of a stack file that is only a draft, told at the answer it comes from."""
    section = flaw.key.rpartition(":")[2].partition(".")[0].partition("[")[0]
    key = f"{stack.environment}_context" if section == "cluster" else ANSWER_OF.get(section)
    if key is None or f"Pulumi.{stack}.yaml" not in flaw.file:
        return _at_home(flaw, new).problem
    return given.problem((key,), flaw.rule, flaw.what, flaw.remedy)


def _at_home(flaw: Flaw, new: Path) -> Flaw:
    """The flaw with the file's name as it will be, not where it is being prepared."""
    file, draft = Path(flaw.file), document.display(new)
    if not file.is_relative_to(draft):
        return flaw
    return replace(flaw, file=document.display(paths.stacks_dir() / file.relative_to(draft)))


def _seal(answers: Answers, wanted: dict[str, list[SecretName]], work: Path, progress: Progress) -> None:
    """Make the secrets and write the whole files; the three stacks at the same time."""
    variables = passphrase.fresh() if answers.secrets_provider == PASSPHRASE else {}
    day = datetime.now(UTC).date().isoformat()
    count = sum(not name.given for names in wanted.values() for name in names)
    with progress.step("secrets", f"making and encrypting {count}"), workers(len(wanted)) as crew:
        started: list[tuple[StackName, Bench, Future[dict[SecretName, str]]]] = []
        for stack in answers.stacks:
            name = str(stack)
            bench = Bench(work / name, name, answers.secrets_provider, variables, stop=crew.stop)
            started.append((stack, bench, crew.start(_sealed, bench, wanted[name])))
        crew.finish()
        for stack, bench, sealed in started:
            text = writing.text(answers, stack.environment, bench.engine_keys, sealed.result(), day)
            _write(work / placing.NEW, stack, text)


def _sealed(bench: Bench, names: Iterable[SecretName]) -> dict[SecretName, str]:
    bench.open()
    return {name: bench.seal(name, new_value()) for name in names if not name.given}


def _check(answers: Answers, wanted: dict[str, list[SecretName]], new: Path) -> tuple[Flaw, ...]:
    """The notes of the check. Raises RefusedError where the files are not what they must be."""
    errors: list[Flaw] = []
    notes: list[Flaw] = []
    for stack in map(str, answers.stacks):
        expected = {f".{name}" for name in wanted[stack] if name.given}
        report = check.examine(stack, new)
        notes += report.notes
        errors += [
            flaw
            for flaw in report.errors
            if not (flaw.rule == MISSING_SECRET and any(map(flaw.key.endswith, expected)))
        ]
    if errors:
        raise RefusedError(_at_home(flaw, new) for flaw in errors)
    return tuple(_at_home(note, new) for note in notes)


def _write(new: Path, stack: StackName, text: str) -> None:
    layers.stack_file(str(stack), new).write_text(text, encoding="utf-8")


def _add_schema(new: Path, folder: Path) -> None:
    """What editors check the files against; the project's own folder has it already."""
    schema = generate.outputs().get(paths.ROOT / "stacks" / SCHEMA)
    if schema and not (folder / SCHEMA).exists():
        (new / SCHEMA).write_text(schema, encoding="utf-8")
