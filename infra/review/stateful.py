"""What holds data, and what becomes of it: the reasons for which somebody must acknowledge a change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from infra.review import identity
from infra.review.amounts import quantity
from infra.review.differences import MISSING, Difference, between
from infra.review.plan import PROVIDER_TYPE, Object, Op, Step
from infra.review.wording import value

KEYS = re.compile(r"(^|[-_.])(keys?|identity)$", re.IGNORECASE)
# Settings of which less means that something kept until now is deleted.
KEPT = re.compile(r"^BACKUP_(RETENTION|KEEP)_\w+$")
# Types of which a deletion takes data along, beside those that have words of their own below.
KEEPERS = {
    "kubernetes:core/v1:PersistentVolumeClaim": "its volume is deleted, unless its StorageClass retains it",
    "kubernetes:core/v1:PersistentVolume": "the volume behind it is given up",
    "kubernetes:apiextensions.k8s.io/*:CustomResourceDefinition": "every object of its kind is deleted",
    "kubernetes:postgresql.cnpg.io/*:Cluster": "the database and its volumes are deleted",
    "aws:s3*:Bucket": "everything in it must go first, and cannot be brought back",
    "aws:s3*:BucketV2": "everything in it must go first, and cannot be brought back",
    "aws:s3*:BucketVersioning*": "what is overwritten or deleted from then on is lost",
    "aws:s3*:BucketObjectLock*": "backups can be deleted before their time",
    "aws:iam/user:User": "whoever uses its keys is shut out",
    "aws:kms*:Key": "what it encrypted can no longer be read",
    "aws:rds*:Instance": "the database is deleted",
    "aws:rds*:Cluster": "the database is deleted",
    "aws:elasticache*": "the cache is deleted",
    "aws:dynamodb*:Table": "the table is deleted",
    "aws:efs*:FileSystem": "every file in it is deleted",
    "aws:secretsmanager*:Secret": "the secret is deleted",
}
GOING = {Op.DELETE, Op.REPLACE}


def reasons(step: Step) -> tuple[str, ...]:
    """Why the change must be acknowledged, one sentence each; empty where it need not be."""
    found: list[str] = [*_less_kept(step), *_new_ends(step), *_another_place(step)]
    if step.op in GOING:
        found += _loss(step)
    elif step.op is Op.UPDATE:
        found += _smaller(step)
    return tuple(found)


def _loss(step: Step) -> Iterator[str]:
    special: dict[str, Callable[[Step], Iterator[str]]] = {
        "kubernetes:apps/v1:StatefulSet": _set,
        "kubernetes:core/v1:Namespace": _namespace,
        "kubernetes:core/v1:Secret": _secret,
    }
    if step.urn.type in special:
        yield from special[step.urn.type](step)
        return
    for pattern, lost in KEEPERS.items():
        if fnmatchcase(step.urn.type, pattern):
            yield f"{_going(step)}: {lost}"
            return


def _going(step: Step) -> str:
    return "it is deleted" if step.op is Op.DELETE else "it is deleted and made anew"


def _set(step: Step) -> Iterator[str]:
    claims = _at(step.old, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
    if step.op is Op.DELETE:
        stay = (
            "its volumes with it" if claims == "Delete" else "its volumes stay until their claims are deleted"
        )
        yield f"it is deleted, {stay}"
    elif _place(step.old) != _place(step.new):
        yield "another one is made at another place, which begins with empty volumes; the old one is deleted"
    elif claims == "Delete":
        yield "it is deleted and made anew: its volumes go with it"
    else:
        yield f"it is deleted and made anew: its pods stop meanwhile; its volumes stay{_as_they_are(step)}"
    yield from _smaller(step)


def _as_they_are(step: Step) -> str:
    """A StatefulSet never changes a claim that is there (kubernetes.io, StatefulSet, Stable Storage)."""
    if not any(between(_templates(step.old), _templates(step.new))) or any(_smaller(step)):
        return ""
    named = [each["metadata"].get("name") for each in _templates(step.old) if _members(each.get("metadata"))]
    claim = f"{named[0]}-{identity.named(step.old)}-0" if named else ""
    return f" as they are, and grow by their claims alone: {value(f'kubectl edit pvc {claim}'.strip())}"


def _templates(inputs: Object) -> list[Any]:
    found = _at(inputs, "spec", "volumeClaimTemplates")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _place(inputs: Object) -> tuple[str, str]:
    return identity.namespace(inputs), identity.named(inputs)


def _namespace(step: Step) -> Iterator[str]:
    yield f"{_going(step)}: everything in it is deleted, its volumes too"


def _secret(step: Step) -> Iterator[str]:
    """Keys of backups and certificates; passwords follow from the stack file and can be made again."""
    held = {str(key) for side in ("data", "stringData") for key in _members(step.old.get(side))}
    if KEYS.search(step.urn.name):
        yield "what was encrypted or signed with the old keys can be read with them alone: keep a copy"
    elif step.op is Op.DELETE and any(KEYS.search(key) for key in held):
        yield "it is deleted, and the keys in it"


def _smaller(step: Step) -> Iterator[str]:
    """No volume can be made smaller (kubernetes.io, Expanding Persistent Volumes Claims)."""
    if step.kind not in ("StatefulSet", "PersistentVolumeClaim", "PersistentVolume"):
        return
    for each in between(step.old.get("spec"), step.new.get("spec")):
        sizes = [quantity(side) for side in (each.before, each.after)]
        if each.path[-1:] == ("storage",) and None not in sizes and sizes[1] < sizes[0]:  # type: ignore[operator]
            yield "a volume cannot be made smaller: the cluster refuses it, or leaves it as it is"


def _less_kept(step: Step) -> Iterator[str]:
    """Backups that a shorter retention deletes."""
    if step.op not in (Op.UPDATE, Op.REPLACE):
        return
    for each in _retentions(step):
        before, after = (quantity(side) for side in (each.before, each.after))
        if before is not None and after is not None and after < before:
            yield f"{value(each.path[-1])} {before:g} → {after:g}: backups that it kept until now are deleted"


def _retentions(step: Step) -> Iterator[Difference]:
    if step.kind == "ConfigMap":
        before, after = (_members(side.get("data")) for side in (step.old, step.new))
        yield from (e for e in between(before, after) if e.path and KEPT.match(e.path[-1]))
    elif step.kind.startswith("BucketLifecycle"):
        wanted = {"days", "noncurrentDays"}
        yield from (e for e in between(step.old, step.new) if e.path and e.path[-1] in wanted)


def _new_ends(step: Step) -> Iterator[str]:
    """Rules of a bucket that delete what no rule deleted before."""
    if not step.kind.startswith("BucketLifecycle") or step.op not in (Op.UPDATE, Op.REPLACE):
        return
    for each in between(step.old, step.new):
        added = each.after if each.before is MISSING else None
        days = _at(added, "expiration", "days") or (added if each.path[-1:] == ("days",) else None)
        if days:
            yield f"a new rule deletes what is older than {value(days)} days"


def _another_place(step: Step) -> Iterator[str]:
    """A provider that leads elsewhere: the engine then makes everything anew there."""
    if step.urn.type.startswith(PROVIDER_TYPE) and step.op is Op.REPLACE:
        yield "it leads to another place: everything is made anew there, without its data"


def _at(value: Any, *steps: str) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
