"""Rules on what a production stack must not lose: its volumes, its buckets, its backups."""

from __future__ import annotations

from collections.abc import Iterator

from infra.policy.plan import Plan
from infra.policy.planned import UNKNOWN, Resource, at, text
from infra.policy.rule import IN_PRODUCTION, Breach, Rule, Severity
from infra.render.backups import STORE, job_name

COMPONENT = "app.kubernetes.io/component"
DATABASE = "postgres"
# What a database needs to be brought back, and to know that it can be.
JOBS = (
    ("database", "dumps it"),
    ("drill", "tries whether the dumps can be restored"),
    ("retention", "removes what is kept no longer"),
)


def _claims(resource: Resource) -> bool:
    return bool(at(resource.properties, "spec", "volumeClaimTemplates"))


def _lost(plan: Plan) -> Iterator[Breach]:
    holders = [found for found in plan.objects("StatefulSet") if _claims(found)]
    for found in holders:
        policy = at(found.properties, "spec", "persistentVolumeClaimRetentionPolicy")
        for key in ("whenDeleted", "whenScaled"):
            if at(policy, key) == "Delete":
                path = f"spec.persistentVolumeClaimRetentionPolicy.{key}"
                yield Breach(found, path, "is Delete: the volumes go with the pods", f"set {key}: Retain")
    for found in plan.objects("PersistentVolumeClaim"):
        if not _kept(found):
            yield Breach(
                found, "", "is a volume that Pulumi may delete: neither protect nor retainOnDelete is set"
            )
    places = {text(each.properties, "metadata", "namespace") for each in holders} - {UNKNOWN, None}
    for found in plan.objects("Namespace"):
        if text(found.properties, "metadata", "name") in places and not _kept(found):
            what = "holds volumes, and Pulumi may delete it with all of them: protect is not set"
            yield Breach(found, "", what, "set namespace.protected: true in the stack file")
    for found in plan.at_aws("Bucket"):
        if found.properties.get("forceDestroy") is True and not _kept(found):
            what = "is true: the bucket is deleted with everything in it"
            yield Breach(found, "forceDestroy", what, "set forceDestroy: false")


def _kept(resource: Resource) -> bool:
    return resource.options.protect or resource.options.retain


def _databases(plan: Plan) -> Iterator[Resource]:
    for found in plan.objects("StatefulSet"):
        if at(found.properties, "metadata", "labels", COMPONENT) == DATABASE and _claims(found):
            yield found


def _no_backups(plan: Plan) -> Iterator[Breach]:
    running = {
        text(found.properties, "metadata", "name")
        for found in plan.objects("CronJob")
        if at(found.properties, "spec", "suspend") is not True
    }
    for database in _databases(plan):
        for task, does in JOBS:
            if job_name(task) not in running:
                yield Breach(database, "", f"no CronJob {job_name(task)} {does}")


def _beside(plan: Plan) -> Iterator[Breach]:
    for found in plan.objects("StatefulSet"):
        if at(found.properties, "metadata", "labels", COMPONENT) == STORE:
            yield Breach(found, "", "keeps the backups in the cluster whose loss they are for")


RULES = (
    Rule(
        "data-outlives-its-stack",
        "In production volumes and buckets do not go with a `pulumi destroy` or with a pod.",
        "One wrong command, or a rename that replaces an object, would otherwise end the data.",
        "set the resource option protect or retain_on_delete",
        _lost,
        environments=IN_PRODUCTION,
    ),
    Rule(
        "databases-have-backups",
        "In production a database is dumped, its dumps are rehearsed, and old ones are removed.",
        "A disk, a migration or a person takes the data one day, and nobody can choose which.",
        "set backups.enabled: true, a bucket and a store in the stack file",
        _no_backups,
        environments=IN_PRODUCTION,
    ),
    Rule(
        "backups-leave-the-cluster",
        "In production backups are kept outside the cluster.",
        "Who loses the cluster would lose them with it.",
        "set backups.store.kind: aws or s3",
        _beside,
        severity=Severity.ADVISORY,
        environments=IN_PRODUCTION,
    ),
)
