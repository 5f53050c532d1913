"""Scheduled dumps, retention and drill, a template for what is started by hand, and the exporter."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, batch, core, meta

from infra import names
from infra.components.backup_pods import Pods, Sources, Task
from infra.components.base import Component, Context, name_of
from infra.components.object_store import Access
from infra.render import backups as render
from infra.render.backup_keys import User
from infra.settings.backups import Backups as Schedules
from infra.settings.model import Settings

IMAGE_SECONDS = 120  # scheduling and pulling the image, before the container starts
LATE_SECONDS = 3600  # a run that could not start by then waits for its next time
RETRIES = 1
KEPT_RUNS = 3  # of each schedule and outcome, for their logs
NEVER = "0 0 1 1 *"  # a schedule must be one; what is suspended does not follow it


@dataclass(frozen=True)
class Addresses:
    """What is backed up: the database as its owner, the cache as the user that may copy it; both secret."""

    database: pulumi.Output[str]
    cache: pulumi.Output[str]


def tasks(settings: Schedules) -> tuple[Task, ...]:
    """Every pod that ends, by its schedule. ``restore`` is what `slipway restore` and `verify` start."""
    dump, writer = ("dump", "--kind"), User.WRITER
    return (
        Task("database", (*dump, "database"), writer, settings.schedule, data=True),
        Task("full", (*dump, "full"), writer, settings.full_schedule, data=True),
        Task("retention", ("retain",), User.KEEPER, settings.retention_schedule),
        Task("drill", ("drill",), User.READER, settings.drill_schedule, reads=True),
        Task("restore", ("list",), User.READER, data=True, reads=True),
    )


class Backups(Component):
    """Outputs: ``jobs``, the CronJobs' names by their task, known once they exist."""

    jobs: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        context: Context,
        settings: Settings,
        image: str,
        key: pulumi.Output[str],
        addresses: Addresses,
        access: Access,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``key`` is the secret ``backupKey``: dumps get the half of it that encrypts, restores the whole."""
        super().__init__(name, context, opts)
        self.schedules = settings.backups
        sources = self._sources(settings, names.version_of(image), key, addresses, access)
        self.pods = Pods(context, settings, image, sources)
        self.jobs = {task.name: name_of(self._cron_job(task)) for task in tasks(self.schedules)}
        self._exporter()
        self.register_outputs({"jobs": self.jobs})

    def _sources(
        self,
        settings: Settings,
        version: str,
        key: pulumi.Output[str],
        addresses: Addresses,
        access: Access,
    ) -> Sources:
        urls = {render.DATABASE_URL: addresses.database, render.REDIS_URL: addresses.cache}
        credentials = {
            user: self.secret(
                user.value,
                {
                    render.ACCESS_KEY_ID: found.access_key_id,
                    render.SECRET_ACCESS_KEY: found.secret_access_key,
                },
            )
            for user, found in access.items()
            if user not in render.OF_PITR
        }
        return Sources(
            variables=self.config_map("environment", render.environment(settings)),
            configuration=self.config_map("configuration", render.configuration(settings, version)),
            addresses=self.secret("addresses", urls),
            credentials=credentials,
            keys=self.derived("keys", key, render.key_files(settings, read=False)),
            identity=self.derived("identity", key, render.key_files(settings, read=True)),
        )

    def _cron_job(self, task: Task) -> batch.v1.CronJob:
        part = render.job_name(task.name)
        by_hand = task.schedule is None
        return batch.v1.CronJob(
            f"{self.name}-{task.name}",
            metadata=self.metadata(part, part, self.pods.version),
            spec=batch.v1.CronJobSpecArgs(
                schedule=task.schedule or NEVER,
                suspend=by_hand,
                time_zone=self.schedules.time_zone,
                concurrency_policy="Forbid",
                starting_deadline_seconds=LATE_SECONDS,
                successful_jobs_history_limit=KEPT_RUNS,
                failed_jobs_history_limit=KEPT_RUNS,
                job_template=batch.v1.JobTemplateSpecArgs(
                    metadata=self.pods.metadata(part),
                    spec=batch.v1.JobSpecArgs(
                        # What a person starts, a person watches: it takes as long as it takes, once.
                        active_deadline_seconds=None if by_hand else self.schedules.deadline_minutes * 60,
                        backoff_limit=0 if by_hand else RETRIES,
                        template=self.pods.of_job(part, task),
                    ),
                ),
            ),
            opts=self.options(),
        )

    def _exporter(self) -> None:
        """What Prometheus reads, and where `slipway backup list` asks: a pod that is there all the time."""
        part, port = render.EXPORTER, render.EXPORTER_PORT
        scraped = {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(port),
            "prometheus.io/path": render.METRICS_PATH,
        }
        task = Task("exporter", ("exporter", "--port", str(port)), User.READER)
        deadline = f"{2 * IMAGE_SECONDS}s"
        deployment = apps.v1.Deployment(
            f"{self.name}-exporter",
            metadata=self.metadata(part, part, self.pods.version),
            spec=apps.v1.DeploymentSpecArgs(
                replicas=1,
                revision_history_limit=2,
                progress_deadline_seconds=IMAGE_SECONDS,
                selector=meta.v1.LabelSelectorArgs(match_labels=names.selector_labels(part)),
                template=self.pods.of_server(part, task, port, scraped),
            ),
            opts=self.options(custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline)),
        )
        metadata = self.metadata(part, part)
        metadata.annotations = scraped
        core.v1.Service(
            f"{self.name}-exporter-address",
            metadata=metadata,
            spec=core.v1.ServiceSpecArgs(
                selector=names.selector_labels(part),
                ports=[core.v1.ServicePortArgs(name="metrics", port=port, target_port=port)],
            ),
            opts=self.options(depends_on=[deployment]),
        )
