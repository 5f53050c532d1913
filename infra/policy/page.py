"""``python -m infra.policy.page docs/policy.md``: rewrites the page of the rules."""

from __future__ import annotations

import sys
from pathlib import Path

from infra import names
from infra.policy.catalogue import RULES
from infra.policy.check import IDLE
from infra.policy.rule import EVERYWHERE, Rule, Severity
from infra.render.environment import render

STOPS = {Severity.MANDATORY: "yes", Severity.ADVISORY: "no: advice"}


def text() -> str:
    """The page, in Markdown."""
    return render(
        "docs/policy.md.j2",
        rules=[_row(rule) for rule in RULES],
        idle=IDLE,
        because=names.PRIVILEGED_BECAUSE,
        alone=[rule.name for rule in RULES if rule.alone],
    )


def _row(rule: Rule) -> tuple[str, ...]:
    cells = (f"`{rule.name}`", rule.title, rule.why, rule.remedy, _where(rule), STOPS[rule.severity])
    return tuple(cell.replace("|", r"\|").replace("<", "&lt;") for cell in cells)


def _where(rule: Rule) -> str:
    if rule.environments == EVERYWHERE:
        return "everywhere"
    return ", ".join(sorted(rule.environments)) or "nowhere yet"


def main(path: Path) -> None:
    """Writes the page where it differs, and names it."""
    page = text()
    if not path.is_file() or path.read_text(encoding="utf-8") != page:
        path.write_text(page, encoding="utf-8")
        print(f"wrote {path}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
