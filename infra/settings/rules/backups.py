"""Rules on backups: they need a bucket, outlive their schedule, and are rehearsed once they are there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from infra.settings.backups import StoreKind
from infra.settings.config import StackConfig
from infra.settings.images import Catalogue
from infra.settings.rules.finding import Finding
from infra.settings.rules.schedules import longest_gap, shortest_wait


def backups_have_a_bucket(settings: StackConfig) -> Iterator[Finding]:
    """A dump needs somewhere to go."""
    if settings.backups.enabled and not settings.backups.bucket:
        yield Finding(
            ("backups", "bucket"),
            "backups.bucket is missing, and backups.enabled is true",
            "name the S3 bucket, or set enabled: false",
            also=(("backups", "enabled"),),
        )


def retention_outlives_the_schedule(settings: StackConfig) -> Iterator[Finding]:
    """When one run fails, the one before must still be there: two gaps are the least to keep."""
    backups = settings.backups
    for key in ("schedule", "full_schedule"):
        schedule: str = getattr(backups, key)
        gap = longest_gap(schedule)
        if timedelta(days=backups.retention_days) < 2 * gap:
            least = -(-2 * gap // timedelta(days=1))
            yield Finding(
                ("backups", "retention_days"),
                f"retention_days {backups.retention_days}, and {key} {schedule!r} leaves up to {_days(gap)} "
                "between two backups: one failed run would leave none",
                f"keep at least {least} days, or back up more often",
                also=(("backups", key),),
            )


def drill_is_later_than_the_backup(settings: StackConfig) -> Iterator[Finding]:
    """A drill that starts while the dump runs rehearses yesterday's backup."""
    yield from _later(settings, "drill_schedule", "drill")


def retention_is_later_than_the_backup(settings: StackConfig) -> Iterator[Finding]:
    """Retention counts what is there: it starts once the day's backup has ended."""
    yield from _later(settings, "retention_schedule", "retention")


def store_is_reachable(settings: StackConfig) -> Iterator[Finding]:
    """A store is found by its endpoint or its region; the one in the cluster has neither."""
    store = settings.backups.store
    if not settings.backups.enabled:
        return
    wanted = {StoreKind.AWS: ("region",), StoreKind.S3: ("endpoint", "region"), StoreKind.CLUSTER: ()}
    if wanted[store.kind] and not any(getattr(store, key) for key in wanted[store.kind]):
        yield Finding(
            ("backups", "store", "kind"),
            f"{store.kind}, and {' and '.join(wanted[store.kind])} "
            f"{'is' if len(wanted[store.kind]) == 1 else 'are'} missing",
            f"set store.{' or store.'.join(wanted[store.kind])}",
            also=tuple(("backups", "store", key) for key in wanted[store.kind]),
        )
    if store.endpoint and store.kind is not StoreKind.S3:
        yield Finding(
            ("backups", "store", "endpoint"),
            f"{store.endpoint} is set, and store.kind is {store.kind}",
            "use kind: s3, or leave endpoint out",
            also=(("backups", "store", "kind"),),
        )


def lock_ends_before_retention(settings: StackConfig) -> Iterator[Finding]:
    """What is locked cannot be removed: retention would fail every day."""
    backups = settings.backups
    if backups.store.object_lock_days > backups.retention_days:
        yield Finding(
            ("backups", "store", "object_lock_days"),
            f"{backups.store.object_lock_days}, and retention_days is {backups.retention_days}: what is to "
            "go cannot be deleted yet",
            f"lock for {backups.retention_days} days at most, or keep backups longer",
            also=(("backups", "retention_days"),),
        )


def backups_image_is_named(settings: StackConfig) -> Iterator[Finding]:
    """The public catalogue has no image of the backups' program."""
    if not settings.backups.enabled or settings.images.catalogue is not Catalogue.PUBLIC:
        return
    if not settings.images.backups:
        yield Finding(
            ("images", "backups"),
            "images.backups is missing, backups.enabled is true, and the public catalogue has no such image",
            "build infra/backups/Dockerfile, push it to your registry and name it here with its tag",
            also=(("backups", "enabled"),),
        )


def _later(settings: StackConfig, key: str, what: str) -> Iterator[Finding]:
    """``what`` starts when the backup before it has ended at the latest."""
    backups = settings.backups
    deadline = timedelta(minutes=backups.deadline_minutes)
    later: str = getattr(backups, key)
    for dump in ("schedule", "full_schedule"):
        schedule: str = getattr(backups, dump)
        if longest_gap(schedule) <= deadline:
            continue  # dumps follow so closely that there is always a running one: the last whole is taken
        wait = shortest_wait(schedule, later)
        if wait is not None and wait < deadline:
            yield Finding(
                ("backups", key),
                f"{key} {later!r} starts {_minutes(wait)} min after "
                f"{dump} {schedule!r}, and a backup may take deadline_minutes {backups.deadline_minutes}",
                f"start the {what} {backups.deadline_minutes} min or more after the backup, or lower "
                "deadline_minutes",
                also=(("backups", dump), ("backups", "deadline_minutes")),
            )


def archive_has_a_store(settings: StackConfig) -> Iterator[Finding]:
    """The log goes where the dumps go."""
    backups = settings.backups
    if backups.pitr.enabled and not backups.enabled:
        yield Finding(
            ("backups", "pitr", "enabled"),
            "true, and backups.enabled is false",
            "set backups.enabled: true, or leave pitr out",
            also=(("backups", "enabled"),),
        )


def beside_the_data(settings: StackConfig) -> Iterator[Finding]:
    """A store in the same cluster helps against mistakes, and not against the loss of the cluster."""
    backups = settings.backups
    if backups.enabled and backups.store.kind is StoreKind.CLUSTER and not settings.cluster.sandbox:
        yield Finding(
            ("backups", "store", "kind"),
            "backups.store.kind cluster: who loses this cluster loses the backups with it",
            "to survive that too: store.kind aws or s3",
            also=(("backups", "enabled"),),
            rule="backups-beside-the-data",
        )


def _days(gap: timedelta) -> str:
    hours = round(gap.total_seconds() / 3600)
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _minutes(gap: timedelta) -> int:
    return int(gap.total_seconds() // 60)
