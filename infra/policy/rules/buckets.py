"""Rules on buckets at AWS: encrypted, closed, by TLS only, and with the versions of what was overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.policy.plan import Plan
from infra.policy.planned import UNKNOWN, Resource, at, differs, mappings, text
from infra.policy.rule import IN_PRODUCTION, Breach, Rule, Severity, said

BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
OPEN_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read", "website"})
SSE = ("applyServerSideEncryptionByDefault", "sseAlgorithm")
ALGORITHMS = frozenset({"AES256", "aws:kms", "aws:kms:dsse", UNKNOWN})
TLS = "aws:SecureTransport"


def _each(find: Callable[[Plan, Resource], Iterator[Breach]]) -> Callable[[Plan], Iterator[Breach]]:
    """The rule on one bucket as a rule on the plan."""

    def all_of(plan: Plan) -> Iterator[Breach]:
        for bucket in plan.at_aws("Bucket"):
            yield from find(plan, bucket)

    return all_of


def _encryption(plan: Plan, bucket: Resource) -> Iterator[Breach]:
    own = at(bucket.properties, "serverSideEncryptionConfiguration", "rule", *SSE)
    made = plan.of_bucket(bucket, "BucketServerSideEncryptionConfiguration")
    if own is None and not made:
        yield Breach(bucket, "", "has no server-side encryption configuration")
    for found in made:
        for index, rule in mappings(found.properties.get("rules")):
            algorithm = at(rule, *SSE)
            if text(rule, *SSE) not in ALGORITHMS:
                path = f"rules[{index}].{'.'.join(SSE)}"
                yield Breach(found, path, f"{said(path, algorithm)}, and AES256 or aws:kms is wanted")


def _statements(plan: Plan, bucket: Resource) -> Iterator[tuple[Resource, int, Mapping[str, Any]]]:
    for found in plan.of_bucket(bucket, "BucketPolicy"):
        yield from ((found, index, statement) for index, statement in mappings(_document(found)))


def _document(policy: Resource) -> Any:
    """The statements of a bucket's policy; none while it is not known."""
    document = policy.properties.get("policy")
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return []
    found = at(document, "Statement")
    return [found] if isinstance(found, Mapping) else found


def _tls(plan: Plan, bucket: Resource) -> Iterator[Breach]:
    policies = plan.of_bucket(bucket, "BucketPolicy")
    if any(at(found.properties, "policy") == UNKNOWN for found in policies):
        return
    for _, _, statement in _statements(plan, bucket):
        plain = at(statement, "Condition", "Bool", TLS)
        if statement.get("Effect") == "Deny" and str(plain).lower() == "false" and _everybody(statement):
            return
    where = policies[0] if policies else bucket
    path = "policy" if policies else ""
    yield Breach(where, path, f"no statement denies requests whose {TLS} is false")


def _everybody(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = at(principal, "AWS") if isinstance(principal, Mapping) else principal
    return "*" in (named if isinstance(named, list) else [named])


def _public(plan: Plan, bucket: Resource) -> Iterator[Breach]:
    blocks = plan.of_bucket(bucket, "BucketPublicAccessBlock")
    if not blocks:
        yield Breach(bucket, "", "has no public access block")
    for found in blocks:
        for key in BLOCKS:
            if differs(found.properties.get(key), True):
                yield Breach(found, key, f"{said(key, found.properties.get(key))}, and true is wanted")
    for found in (bucket, *plan.of_bucket(bucket, "BucketAcl")):
        if text(found.properties, "acl") in OPEN_ACLS:
            yield Breach(found, "acl", f"is {found.properties['acl']}: others than the owner may read it")
    for found, index, statement in _statements(plan, bucket):
        if statement.get("Effect") == "Allow" and _everybody(statement) and not _narrowed(statement):
            path = f"policy.Statement[{index}].Principal"
            yield Breach(found, path, "is *, and no condition says whose requests are meant")


def _narrowed(statement: Mapping[str, Any]) -> bool:
    """Whether a condition leaves fewer than everybody; TLS alone does not."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, Mapping):
        return bool(conditions == UNKNOWN)
    return any(set(keys) - {TLS} for keys in conditions.values() if isinstance(keys, Mapping))


def _versions(plan: Plan, bucket: Resource) -> Iterator[Breach]:
    if at(bucket.properties, "versioning", "enabled") is True:
        return
    made = plan.of_bucket(bucket, "BucketVersioning")
    if not made:
        yield Breach(bucket, "", "keeps no versions: what is overwritten or deleted is gone")
    for found in made:
        status = at(found.properties, "versioningConfiguration", "status")
        if differs(status, "Enabled"):
            path = "versioningConfiguration.status"
            yield Breach(found, path, f"{said(path, status)}, and Enabled is wanted")


def _lock(plan: Plan) -> Iterator[Breach]:
    path = "objectLockEnabled"
    for bucket in plan.at_aws("Bucket"):
        value = bucket.properties.get(path)
        if differs(value, True):
            what = f"{said(path, value)}: whoever may delete versions can delete all that is there"
            yield Breach(bucket, path, what)


RULES = (
    Rule(
        "buckets-are-encrypted",
        "A bucket encrypts what it keeps.",
        "Disks are taken out of service, and copies leave the account.",
        "add a BucketServerSideEncryptionConfiguration with AES256 or aws:kms",
        _each(_encryption),
    ),
    Rule(
        "buckets-take-tls-only",
        "A bucket refuses requests without TLS.",
        "Keys and contents would be readable on their way.",
        f"add a BucketPolicy that denies everybody whose {TLS} is false",
        _each(_tls),
    ),
    Rule(
        "buckets-are-closed",
        "A bucket is closed to the public: by its access block, its ACL and its policy.",
        "Open buckets are found within hours, and what was read stays read.",
        "add a BucketPublicAccessBlock with all four true, and grant single users, not *",
        _each(_public),
    ),
    Rule(
        "buckets-keep-versions",
        "A bucket keeps the versions of what is overwritten or deleted.",
        "A mistake or a stolen key otherwise ends what was meant to outlive both.",
        "add a BucketVersioning with the status Enabled",
        _each(_versions),
    ),
    Rule(
        "buckets-are-locked",
        "In production a bucket has an object lock.",
        "What is locked survives even whoever holds every right on the account.",
        "set backups.store.object_lock_days; an existing bucket has to be made anew for it",
        _lock,
        severity=Severity.ADVISORY,
        environments=IN_PRODUCTION,
    ),
)
