"""`pulumi preview --json` as a frozen plan: what the engine would do to each resource, and what it said.

The form is the CLI's own (pulumi/pkg v3.258.0, display/json.go, PreviewDigest). What it may leave out is
empty here; what has another form than it can have is refused with the place in the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from infra.errors import EXIT_FAILED, UserError

Object = Mapping[str, Any]
REMEDY = "make it by: pulumi preview --json --refresh -s STACK > preview.json"
STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE = "pulumi:providers:"
COMPONENT_TYPE = "slipway:index:"
UNFIT = re.compile(r"[^A-Za-z0-9.-]")  # in no kind of any provider; a file may hold anything
FROM_PATH = "from $PATH at"  # the warning on a plugin of the sandbox, at every run


class Op(StrEnum):
    """What happens to the resource?"""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    IMPORT = "import"
    FORGET = "forget"  # only taken out of the state (retainOnDelete)


# The engine's step names (pkg/v3/resource/deploy/step.go); those that are no change are left out of a plan.
OPS = {
    "create": Op.CREATE,
    "update": Op.UPDATE,
    "delete": Op.DELETE,
    "replace": Op.REPLACE,
    "create-replacement": Op.REPLACE,
    "delete-replaced": Op.REPLACE,
    "import": Op.IMPORT,
    "import-replacement": Op.REPLACE,
}
UNCHANGED = {"same", "refresh", "read", "read-replacement", "discard", "discard-replaced", "diff"}
UNCHANGED |= {"remove-pending-replace", "extend-parameterize"}
PROTECT = "protected from deletion"  # an option, shown among the inputs where it changes


@dataclass(frozen=True, order=True)
class Urn:
    """``urn:pulumi:<stack>::<project>::<parents' types>$<type>::<name>``."""

    text: str
    stack: str
    parents: tuple[str, ...]
    type: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Urn:
        """Raises ValueError for a text of another form."""
        head, _, rest = text.partition("::")
        _project, _, rest = rest.partition("::")
        qualified, colons, name = rest.partition("::")
        stack = head.removeprefix("urn:pulumi:")
        if not colons or stack == head or not qualified:
            raise ValueError(text)
        *parents, own = qualified.split("$")
        return cls(text, stack, tuple(parents), own, name)


@dataclass(frozen=True)
class Step:
    """One resource that changes. ``old`` and ``new`` are its inputs, empty where there are none.

    paths: property path → the engine's kind of change ("add", "update-replace", …); forced: the paths that
    make a new resource necessary; parent: URN; before: the inputs as applied last, where somebody has
    changed the resource since, else None; gone: the resource was deleted by somebody else.
    """

    op: Op
    urn: Urn
    old: Object = field(default_factory=dict)
    new: Object = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    forced: tuple[str, ...] = ()
    parent: str = ""
    before: Object | None = None
    gone: bool = False

    @cached_property
    def kind(self) -> str:
        """The last part of the type: ``StatefulSet``, ``BucketPolicy``; ``provider aws`` for a provider."""
        last = UNFIT.sub("?", self.urn.type.rpartition(":")[2])
        return f"provider {last}" if self.urn.type.startswith(PROVIDER_TYPE) else last

    @property
    def inputs(self) -> Object:
        """The new inputs, or the old ones of what goes."""
        return self.new or self.old

    @property
    def is_resource(self) -> bool:
        """Whether there is a thing outside of Pulumi's state: components and the stack have none."""
        return self.urn.type != STACK_TYPE and not self.urn.type.startswith(COMPONENT_TYPE)


@dataclass(frozen=True)
class Diagnostic:
    """What the engine, a provider or the program said. ``resource`` is a logical name, or empty."""

    severity: str
    message: str
    resource: str = ""


@dataclass(frozen=True)
class Plan:
    """A whole preview; ``steps`` by URN, each once. ``unchanged`` counts the resources that stay."""

    stack: str
    steps: tuple[Step, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    unchanged: int = 0

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Why it failed; empty where it did not."""
        return tuple(each for each in self.diagnostics if each.severity == "error")


def document(text: str, where: str) -> dict[str, Any]:
    """A preview's JSON. Raises UserError where the text is none; ``where`` names it there."""
    if not text.strip():
        raise _refused(where, "is empty")
    try:
        found = json.loads(text)
    except ValueError as error:  # of JSON, and of UTF-16 surrogates
        raise _refused(where, f"is not JSON: {error}") from None
    except RecursionError:
        raise _refused(where, "is nested too deeply") from None
    if not isinstance(found, dict) or not {"steps", "changeSummary", "diagnostics"} & set(found):
        raise _refused(where, "is not what pulumi preview --json writes: it has neither steps nor summary")
    return found


def read(document: dict[str, Any], stack: str, where: str) -> Plan:
    """The plan that the document tells. Raises UserError where it is another stack's, or of another form."""
    raw = _list(document, "steps", where)
    parsed = [_raw_step(each, f"{where}: steps[{index}]") for index, each in enumerate(raw)]
    for urn, _, each in parsed:
        if urn.stack != stack:
            what = f"is of the stack {urn.stack} ({each['urn']}), and not of {stack}"
            raise UserError.of(where, what, f"slipway review {urn.stack}", exit_code=EXIT_FAILED)
    summary = _object(document, "changeSummary", where)
    same = summary.get("same")
    diagnostics = tuple(_diagnostics(_list(document, "diagnostics", where), where))
    kept = tuple(sorted(_steps(parsed, where), key=lambda step: step.urn.text))
    return Plan(stack, kept, diagnostics, same if isinstance(same, int) else 0)


_Raw = tuple[Urn, str, dict[str, Any]]


def _raw_step(raw: Any, where: str) -> _Raw:
    if not isinstance(raw, dict):
        raise _refused(where, f"is {_form(raw)}, and an object is wanted")
    op, urn = raw.get("op"), raw.get("urn")
    if not isinstance(op, str) or not isinstance(urn, str):
        missing = "op" if not isinstance(op, str) else "urn"
        raise _refused(where, f"has no {missing}")
    if op not in OPS and op not in UNCHANGED:
        raise _refused(where, f"does what this version does not know: op {op!r}")
    try:
        return Urn.parse(urn), op, raw
    except ValueError:
        raise _refused(where, f"has no URN of Pulumi: {urn!r}") from None


def _steps(parsed: list[_Raw], where: str) -> Iterator[Step]:
    """A resource's steps as one: what a refresh found, and the two halves of a replacement."""
    refreshed: dict[str, Object] = {}
    changes: dict[str, list[Step]] = {}
    for index, (urn, op, raw) in enumerate(parsed):
        place = f"{where}: steps[{index}]"
        if op == "refresh":
            refreshed[urn.text] = _inputs(raw, "oldState", place)
        elif op in OPS:
            changes.setdefault(urn.text, []).append(_step(urn, OPS[op], raw, place))
        elif op == "same" and (options := _protection(raw, place)) != ({}, {}):
            changes.setdefault(urn.text, []).append(Step(Op.UPDATE, urn, *options, {PROTECT: "update"}))
    for text, steps in changes.items():
        yield _whole(steps, refreshed.get(text))


def _whole(steps: list[Step], refreshed: Object | None) -> Step:
    """One step of a resource's steps. A deletion followed by a creation is what a refresh found gone."""
    first, last = steps[0], steps[-1]
    if refreshed is None and len(steps) > 1 and first.op is Op.UPDATE:
        refreshed = first.old  # a refresh that the engine shows as the update of the state that it is
    gone = last.op is Op.CREATE and (refreshed is not None or first.op is Op.DELETE)
    replaced = Op.REPLACE in {step.op for step in steps}
    best = max(steps, key=lambda step: (bool(step.new), bool(step.old))) if replaced else last
    by_hand = refreshed is not None and bool(best.old) and best.old != refreshed
    return Step(
        Op.REPLACE if replaced else best.op,
        best.urn,
        best.old or (first.old if replaced else {}),
        best.new,
        best.paths,
        best.forced,
        best.parent,
        refreshed if by_hand else None,
        gone,
    )


def _step(urn: Urn, op: Op, raw: dict[str, Any], where: str) -> Step:
    detailed = _object(raw, "detailedDiff", where)
    paths = {path: str(kind.get("kind", "")) for path, kind in detailed.items() if isinstance(kind, dict)}
    paths = paths or {str(path): "" for path in _list(raw, "diffReasons", where)}
    before, after = _object(raw, "oldState", where), _object(raw, "newState", where)
    kept = op is Op.DELETE and before.get("retainOnDelete") is True
    options = _protection(raw, where) if op in {Op.UPDATE, Op.REPLACE} else ({}, {})
    parent = (after or before).get("parent")
    return Step(
        Op.FORGET if kept else op,
        urn,
        {**_inputs(raw, "oldState", where), **options[0]},
        {**_inputs(raw, "newState", where), **options[1]} if op is not Op.DELETE else {},
        paths,
        tuple(str(path) for path in _list(raw, "replaceReasons", where)),
        parent if isinstance(parent, str) else "",
    )


def _protection(raw: dict[str, Any], where: str) -> tuple[Object, Object]:
    """Whether the engine refuses a deletion, before and after, where that changes."""
    sides = [_object(raw, side, where) for side in ("oldState", "newState")]
    before, after = ({PROTECT: side.get("protect") is True} for side in sides)
    return (before, after) if all(sides) and before != after else ({}, {})


def _inputs(raw: dict[str, Any], side: str, where: str) -> Object:
    """Without what the provider filled in (``__defaults``): it is nobody's choice, and may be random."""
    given = _object(_object(raw, side, where), "inputs", f"{where}.{side}")
    chosen = given.get("__defaults")
    if "__defaults" not in given:
        return given
    dropped = {"__defaults", *(chosen if isinstance(chosen, list) else ())}
    return {key: value for key, value in given.items() if key not in dropped}


def _diagnostics(raw: list[Any], where: str) -> Iterator[Diagnostic]:
    """Each once; without the engine's word on plugins of the sandbox, and its repetition of an error."""
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(raw):
        if not isinstance(each, dict):
            raise _refused(f"{where}: diagnostics[{index}]", f"is {_form(each)}, and an object is wanted")
        severity = str(each.get("severity") or "info")
        message = str(each.get("message") or "").strip().removeprefix(f"{severity}: ")
        message = message.removeprefix("an unhandled error occurred: ")
        if not message or FROM_PATH in message or (severity, message) in seen:
            continue
        seen.add((severity, message))
        name = str(each.get("urn") or "").rpartition("::")[2]
        yield Diagnostic(severity, message, name)


def _object(holder: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    found = holder.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _refused(f"{where}.{key}", f"is {_form(found)}, and an object is wanted")
    return found


def _list(holder: Mapping[str, Any], key: str, where: str) -> list[Any]:
    found = holder.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise _refused(f"{where}.{key}", f"is {_form(found)}, and a list is wanted")
    return found


def _form(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def _refused(where: str, what: str) -> UserError:
    return UserError.of(where, what, REMEDY, exit_code=EXIT_FAILED)
