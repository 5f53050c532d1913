"""Rewrites the golden reviews: ``python -m tests.review.generate`` from the committed previews, and with
``--previews [CASE…]`` these too, by the real engine (some seconds for each stack; no cluster, no account)."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.paths import ROOT
from infra.review import digest, findings, formats, plan, report
from infra.review.digest import Sealed
from infra.review.form import Format
from infra.review.words import Commands
from tests.review import many
from tests.review.cases import CASES, Case
from tests.review.previewing import bench
from tests.review.stacks import STACK

GOLDEN = ROOT / "tests" / "review" / "golden"
MANY = "five-thousand"
NAMES = {Format.TEXT: "review.txt", Format.MARKDOWN: "review.md", Format.JSON: "review.json"}
# What no review reads, and what is another at every run or on every machine.
DROPPED = {
    "outputs", "stackTrace", "sourcePosition", "created", "modified", "propertyDependencies", "provider",
    "dependencies", "id", "customTimeouts", "pendingReplacement",
}  # fmt: skip
SEALED = Sealed({"slipway:secrets.redisPassword": "v1:nonce:ciphertext"}, "v1:salt")


def outputs() -> dict[Path, str]:
    """Every review that is generated, and its text; nothing is written."""
    made = {}
    for name in [*CASES, MANY]:
        for form, text in reviews(name):
            made[GOLDEN / name / NAMES[form]] = text
    return made


def preview(name: str) -> str:
    """The committed preview of a case."""
    return (GOLDEN / name / "preview.json").read_text(encoding="utf-8")


def reviews(name: str) -> Iterator[tuple[Format, str]]:
    """The case's review in every form."""
    case = CASES.get(name) or Case(None, _nothing)
    document = many.document() if name == MANY else plan.document(preview(name), "preview.json")
    planned = plan.read(document, STACK, "preview.json")
    policy = findings.merged(case.findings, case.exempt)
    made = report.build(planned, policy, case.acknowledged)
    commands = Commands(digest=digest.record(planned, made, SEALED).digest)
    for form in Format:
        written = formats.render(made, form, commands)
        yield form, f"{written}\n" if written else ""


def cleaned(text: str) -> str:
    """A preview without DROPPED, in an order of its own; what a machine's plugins are called stays."""
    document = json.loads(text)
    document.pop("duration", None)
    steps = sorted(document.get("steps") or [], key=lambda step: (step["op"] != "refresh", step["urn"]))
    document["steps"] = [_without(step) for step in steps if not _is_quiet(step, steps)]
    for each in document.get("diagnostics") or []:
        before, told, _ = each["message"].partition("from $PATH at ")
        each["message"] = f"{before}{told}/plugins" if told else each["message"]
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _is_quiet(step: dict[str, Any], steps: list[dict[str, Any]]) -> bool:
    """A refresh of what then does not change."""
    changing = {each["urn"] for each in steps if each["op"] not in ("refresh", "same")}
    return step["op"] == "refresh" and step["urn"] not in changing


def _without(value: Any) -> Any:
    sides = {"oldState", "newState"}
    return {
        key: {name: held for name, held in member.items() if name not in DROPPED} if key in sides else member
        for key, member in value.items()
        if member is not None and key not in DROPPED
    }


def _nothing() -> None:
    """The program of a case that no engine previews."""


def previews(names: list[str]) -> None:
    """Preview the cases by the engine, and write what changed."""
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder)) as engine:
        for name in names or CASES:
            case = CASES[name]
            _write(
                GOLDEN / name / "preview.json",
                cleaned(engine.preview(case.before, case.after, **case.by_hand)),
            )


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}", file=sys.stderr)


def main(arguments: list[str]) -> None:
    """Rewrite what differs and name it on stderr."""
    if arguments[:1] == ["--previews"]:
        previews(arguments[1:])
    for path, text in outputs().items():
        _write(path, text)


if __name__ == "__main__":
    main(sys.argv[1:])
