"""docs/runbooks: a frame from the catalogue around text that people write (templates/runbooks/<Alert>.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from infra.monitoring import catalogue, inhibition
from infra.monitoring.alert import Alert, Part, Severity
from infra.paths import TEMPLATES
from infra.render.environment import render
from infra.render.validate import RenderError
from infra.settings.model import Settings

TEXTS = TEMPLATES / "runbooks"
HEADINGS = ("## Meaning", "## First look", "## Causes", "## Fix")
NAMESPACE = "NAMESPACE"
WHEN = {
    Severity.CRITICAL: "critical: somebody looks at once, at night too",
    Severity.WARNING: "warning: somebody looks on the next working day",
    Severity.NONE: "none: it is there to be missed when it does not come",
}
OWN_TEAM = "The team whose service it is. After 30 minutes without a cause go back to the version before"
OPERATORS = "Whoever operates the cluster"
# To whom it goes when the fix does not help, and with what.
ESCALATION = {
    Part.SERVICE: f"{OWN_TEAM}, and keep the logs of one replica.",
    Part.SLO: f"{OWN_TEAM}; what was promised is a matter of those to whom it was.",
    Part.DATABASE: "The team whose data it is, before anything is deleted or restored; then "
    "whoever operates the cluster, where node or volume is at fault.",
    Part.CACHE: f"{OPERATORS}, where node or volume is at fault; nothing in the cache is worth a night.",
    Part.BACKUPS: "The team whose data it is: as long as this lasts nothing may be done that needs a backup.",
    Part.NODE: f"{OPERATORS}, with the node's name and the conditions of `kubectl describe node`.",
    Part.DEPLOYMENT: "The team whose part it is; whoever operates the cluster, where no node takes a pod.",
    Part.CERTIFICATES: "Whoever holds the domain, two days before the end at the latest.",
    Part.LOGS: f"{OPERATORS}, where node or volume is at fault; until it is mended `kubectl logs` has what "
    "the nodes still keep.",
    Part.MONITORING: f"{OPERATORS}. Until it is mended somebody looks at `slipway status` every hour.",
}


def files(stacks: Sequence[Settings]) -> dict[str, str]:
    """Name → text of each page, and of README.md with all of them. Raises RenderError for an alert without
    text, a text without alert, or a heading that is missing."""
    found: dict[str, tuple[Alert, Settings]] = {}
    for settings in stacks:
        for name, alert in catalogue.alerts(settings).items():
            found.setdefault(name, (alert, settings))
    _each_has_its_text(found)
    pages = {f"{name}.md": _page(alert, settings) for name, (alert, settings) in found.items()}
    alerts = [alert for alert, _ in found.values()]
    return {**pages, "README.md": render("docs/runbooks.md.j2", alerts=alerts, when=WHEN)}


def _each_has_its_text(found: Iterable[str]) -> None:
    texts = {path.stem for path in TEXTS.glob("*.md")}
    if missing := sorted(set(found) - texts):
        raise RenderError(f"templates/runbooks/{missing[0]}.md: is missing, and the alert has no runbook")
    if stale := sorted(texts - set(found)):
        raise RenderError(f"templates/runbooks/{stale[0]}.md: no alert has this name")


def _page(alert: Alert, settings: Settings) -> str:
    text = (TEXTS / f"{alert.name}.md").read_text(encoding="utf-8")
    headings = tuple(line for line in text.splitlines() if line.startswith("#"))
    if headings != HEADINGS:
        raise RenderError(f"templates/runbooks/{alert.name}.md: wants the headings {', '.join(HEADINGS)}")
    causes = [
        cause
        for rule in inhibition.inhibitions(settings)
        if alert.name in rule.consequences
        for cause in rule.causes
    ]
    return render(
        "docs/runbook.md.j2",
        alert=alert,
        panel=catalogue.panels_of_alerts(settings)[alert.name][1],
        told=_told(alert.description),
        expression=_expression(alert, settings),
        when=WHEN[alert.severity],
        causes=list(dict.fromkeys(causes)),
        text=text.strip(),
        escalation=ESCALATION[alert.part],
    )


def _told(description: str) -> str:
    """Prometheus' templates as words in capitals: the alert itself has label and value in their place."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: found[1].upper(), description)
    return re.sub(r"\{\{ \$value[^}]*\}\}", "VALUE", text)


def _expression(alert: Alert, settings: Settings) -> str:
    """For any stack, and on lines that fit a page."""
    text = alert.expression.replace(f'"{settings.namespace_name}"', f'"{NAMESPACE}"')
    for word in (" or ", " and ", " unless "):
        text = text.replace(word, f"\n{word.strip()} ")
    return text
