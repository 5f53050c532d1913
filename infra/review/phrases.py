"""A difference between two inputs in words: ``replicas 2 → 4``, ``variable LOG_LEVEL INFO → DEBUG``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.review import content, labels, masking, network, security
from infra.review.amounts import change, told
from infra.review.change import Line
from infra.review.differences import MISSING, UNKNOWN, Difference, canonical, key_of
from infra.review.labels import Field, Mark
from infra.review.wording import listed, value
from infra.settings.flaw import MASK, printable

LONG = 60  # a member of a list that needs a line of its own
SECURE = frozenset({Mark.SECURITY})


def line(kind: str, difference: Difference, containers: int = 1) -> Line:
    """One difference of a resource of that kind; ``containers``: how many its pods have."""
    field = labels.field(kind, difference.path)
    subject = _subject(field, difference, containers)
    marks = field.label.marks | _more_marks(field, difference)
    if kind == "NetworkPolicy" and (rule := network.of_rule(difference)):
        return Line(rule, marks)
    if all(side is MISSING or _is_scalars(side) for side in (difference.before, difference.after)):
        return _members(subject, marks, difference)
    if content.is_file(difference.before, difference.after):
        lines = content.compared(difference.before, difference.after)
        return Line(f"{subject} {lines.summary}", marks, lines.lines)
    return Line(f"{subject} {_sides(kind, field, difference)}", marks)


def _subject(field: Field, difference: Difference, containers: int) -> str:
    words = field.label.words
    named = value(field.name) if field.name not in ("", "0") else ""
    subject = f"{words} {named}".strip() or value(key_of(difference.path))
    owner = next((step for step in difference.path if step.startswith("[")), "")
    if containers > 1 and "containers" in difference.path and words != "container":
        return f"{subject} of {value(owner.strip('[]'))}"
    return subject


def _sides(kind: str, field: Field, difference: Difference) -> str:
    """Both values, or what came or went."""
    key, before, after = difference.key, difference.before, difference.after
    if _is_whole(before) or _is_whole(after):
        if field.name in ("", "0") or kind in security.RBAC:
            return _whole(kind, difference)
        return "added" if before is MISSING else "removed" if after is MISSING else _whole(kind, difference)
    hidden = [_hidden(side, key) for side in (before, after)]
    if any(hidden):
        return _masked(before, after)
    if before is MISSING:
        return f"set to {told(after, field.label.unit)}"
    if after is MISSING:
        return f"no longer {told(before, field.label.unit)}"
    if field.label.words == "image":
        return _image(before, after)
    return change(before, after, field.label.unit)


def _image(before: Any, after: Any) -> str:
    """The tags alone where both come from one repository."""
    if security.another_repository(before, after):
        return f"{change(before, after)}, from another repository"
    sides = [str(side).removeprefix(security.repository(str(before))) for side in (before, after)]
    if any(side[:1] not in (":", "@") for side in sides):
        return change(before, after)
    return f"{value(security.repository(str(before)))} {change(sides[0][1:], sides[1][1:])}"


def _is_scalars(side: Any) -> bool:
    return isinstance(side, list) and all(isinstance(item, str | int | float) for item in side)


def _members(subject: str, marks: frozenset[Mark], difference: Difference) -> Line:
    """Which members of a plain list came and went; long ones below the line, each with its sign."""
    sides = [[] if side is MISSING else side for side in (difference.before, difference.after)]
    before, after = ([str(masking.of_value(item, difference.key) or item) for item in side] for side in sides)
    gone, come = (
        [item for item in before if item not in after],
        [item for item in after if item not in before],
    )
    if any(len(item) > LONG for item in (*gone, *come)):
        signed = [*(f"- {item}" for item in gone), *(f"+ {item}" for item in come)]
        shown = [printable(item, content.LINE_CHARS) for item in signed[: content.MOST_LINES]]
        more = [f"… and {len(signed) - len(shown)} more"] if len(signed) > len(shown) else []
        return Line(f"{subject} changes", marks, (*shown, *more))
    words = [f"no longer {listed(gone)}"] * bool(gone) + [f"now also {listed(come)}"] * bool(come)
    if len(gone) == len(come) == 1:
        words = [f"{value(gone[0])} → {value(come[0])}"]
    return Line(f"{subject} {', '.join(words) or 'in another order'}", marks)


def _hidden(side: Any, key: str) -> bool:
    return side is not MISSING and side != UNKNOWN and masking.of_value(side, key) is not None


def _masked(before: Any, after: Any) -> str:
    if before is MISSING:
        return f"set to {MASK}"
    return f"no longer {MASK}" if after is MISSING else f"changes {MASK}"


def _is_whole(side: Any) -> bool:
    return isinstance(side, dict | list)


def _whole(kind: str, difference: Difference) -> str:
    sides = (difference.before, difference.after)
    before, after = (summary(kind, side, difference.key) for side in sides)
    if difference.before is MISSING:
        return f"added: {after}"
    return f"removed: {before}" if difference.after is MISSING else f"{before} → {after}"


def summary(kind: str, given: Any, key: str) -> str:
    """A mapping or a list in one value; RBAC's rules and subjects as they are read aloud."""
    if given is MISSING:
        return "nothing"
    if kind in ("Role", "ClusterRole") and isinstance(given, dict) and "verbs" in given:
        return _right(given)
    if kind in ("RoleBinding", "ClusterRoleBinding") and isinstance(given, dict) and "kind" in given:
        place = f" in {value(given['namespace'])}" if given.get("namespace") else ""
        return f"{value(given['kind'])} {value(given.get('name'))}{place}"
    if kind == "Ingress" and key == "spec.tls" and isinstance(given, list):
        return "; ".join(_certificate(each) for each in given if isinstance(each, dict)) or "nothing"
    if isinstance(given, list) and all(isinstance(item, str | int | float) for item in given):
        return listed(masking.of_object(given, key)) if given else "nothing"
    return value(canonical(masking.of_object(given, key)))


def _certificate(tls: Mapping[str, Any]) -> str:
    hosts = tls.get("hosts")
    named = f" with {value(tls['secretName'])}" if tls.get("secretName") else ""
    return f"{listed(hosts) if isinstance(hosts, list) else 'every host'}{named}"


def _right(rule: Mapping[str, Any]) -> str:
    """``get and list of pods``; everything is said as such."""
    verbs, what = rule.get("verbs"), rule.get("resources") or rule.get("nonResourceURLs")
    shown = [listed(each) if isinstance(each, list) else value(each) for each in (verbs, what)]
    of = "" if not rule.get("resourceNames") else f" named {listed(rule['resourceNames'])}"
    return f"{shown[0]} of {shown[1]}{of}"


def _more_marks(field: Field, difference: Difference) -> frozenset[Mark]:
    """A variable that says who may come; an image from elsewhere; a type of Service that leads outside."""
    words = field.label.words
    if words == "variable" and (
        security.of_variable(field.name) or _hidden(difference.after, difference.key)
    ):
        return SECURE
    if words == "image" and security.another_repository(difference.before, difference.after):
        return SECURE
    return frozenset()
