"""A resource that goes while its equal comes: it was renamed or moved, and an alias keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.review import identity
from infra.review.differences import canonical
from infra.review.plan import Op, Plan, Step
from infra.review.wording import value

OWN = "\0"  # stands for a resource's own name, wherever its inputs repeat it


@dataclass(frozen=True)
class Rename:
    """``old`` would be deleted and ``new`` created, with the same content; remedy: a sentence."""

    old: Step
    new: Step

    @property
    def is_moved(self) -> bool:
        """Whether it has another component above it, or one of another name."""
        return self.old.parent != self.new.parent or self.old.urn.parents != self.new.urn.parents

    @property
    def sentence(self) -> str:
        """What was renamed to what."""
        where = f" of {value(_name(self.old.parent))}" if self.is_moved else ""
        now = f" of {value(_name(self.new.parent))}" if self.is_moved else ""
        names = f"{value(self.old.urn.name)}{where} is now {value(self.new.urn.name)}{now}"
        taken = "" if self._other_name else ", and cannot be made while the old one has its name"
        return f"{self.new.kind} {names}, with the same content{taken}"

    @property
    def _other_name(self) -> str:
        """Its name where it is, if that changes too."""
        before, after = (identity.named(side) for side in (self.old.old, self.new.new))
        return before if before != after and not identity.same_stem(before, after) else ""

    @property
    def remedy(self) -> str:
        """How the program says that it is the same one. An alias of a component is inherited by its parts."""
        whole = self.is_moved and self.old.parent and self.new.parent
        old, new = (
            (self.old.parent, _name(self.new.parent)) if whole else (self.old.urn.text, self.new.urn.name)
        )
        kept = ", and let it be called in the cluster what it is called now" if self._other_name else ""
        return f"give {new} opts=ResourceOptions(aliases=[{old!r}]){kept}"


def find(plan: Plan) -> tuple[Rename, ...]:
    """Pairs of the same type and the same content; each resource in one pair at most."""
    coming: dict[tuple[str, str], list[Step]] = {}
    gone = [step for step in plan.steps if step.op is Op.DELETE and step.is_resource]
    types = {step.urn.type for step in gone}
    for step in plan.steps:
        if step.op is Op.CREATE and step.urn.type in types and not step.gone:
            coming.setdefault((step.urn.type, _content(step, step.new)), []).append(step)
    return tuple(_pairs(gone, coming))


def _pairs(gone: Iterable[Step], coming: Mapping[tuple[str, str], list[Step]]) -> Iterator[Rename]:
    for step in gone:
        candidates = coming.get((step.urn.type, _content(step, step.old)))
        if candidates:
            yield Rename(step, candidates.pop(0))


def _content(step: Step, inputs: Mapping[str, Any]) -> str:
    """The inputs without metadata, and with one word for the names that are its own."""
    names = {step.urn.name, _name(step.parent), identity.named(inputs), str(inputs.get("bucket", ""))}
    held = {key: member for key, member in inputs.items() if key != "metadata"}
    longest_first = sorted(names - {""}, key=len, reverse=True)
    told = canonical(_anonymous(held, longest_first))
    bare = len(held.keys() - {"apiVersion", "kind"}) == 0
    return f"{told}{canonical(inputs.get('metadata'))}" if bare else told


def _anonymous(value: Any, names: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _anonymous(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [_anonymous(member, names) for member in value]
    if isinstance(value, str):
        for name in names:
            if value == name or value.startswith(f"{name}-"):
                return OWN + value[len(name) :]
    return value


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
