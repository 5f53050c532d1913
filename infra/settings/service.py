"""Section ``service``: the FastAPI service, its environment, its pool, its rollout, its address.

Who may call it and how often stands in access.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from infra.settings.access import Auth, Network, RateLimit
from infra.settings.base import ListRule, Resources, Seconds, Section, merged_by
from infra.settings.release import Release

Origin = Annotated[
    str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$", examples=["https://ledger.example.com"])
]


class Mode(StrEnum):
    """What the service calls its environment: which safeguards are on?"""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """From which level on are lines written?"""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class ServiceType(StrEnum):
    """How is the service reached from outside the namespace?"""

    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"


class Strategy(StrEnum):
    """How do the pods of a new version take the place of the old one's?"""

    ROLLING = "rolling"
    BLUE_GREEN = "blue-green"


class Pool(Section):
    """The SQLAlchemy pool of one replica."""

    size: int = Field(20, ge=1, le=200, description="Connections one replica keeps open.")
    max_overflow: int = Field(
        40, ge=0, le=400, description="Connections one replica may open beyond its pool."
    )
    timeout_seconds: int = Field(30, ge=1, le=300, description="Seconds a request waits for a connection.")
    recycle_seconds: int = Field(
        3600, ge=60, le=86_400, description="Seconds after which a connection is renewed."
    )


class Rollout(Section):
    """How a new version comes in."""

    strategy: Strategy = Field(
        Strategy.ROLLING,
        description="rolling: pod by pod; blue-green: beside the old one, tried, then all traffic at once.",
    )
    max_surge: int = Field(1, ge=1, le=10, description="Replicas above the count during a rollout.")
    min_ready_seconds: int = Field(5, ge=0, le=600, description="Seconds ready before a new replica counts.")
    progress_deadline_seconds: int = Field(
        300, ge=10, le=3600, description="Seconds without progress after which the rollout has failed."
    )
    startup_seconds: Seconds = Field(60, description="Seconds a replica has to start answering.")
    drain_seconds: int = Field(
        5,
        ge=0,
        le=300,
        description="Seconds a stopping replica still answers, until no new request reaches it.",
    )
    termination_grace_seconds: int = Field(
        40,
        ge=1,
        le=900,
        description="Seconds from SIGTERM to SIGKILL; above drain, 20 s of requests and 11 s to close.",
    )
    migration_seconds: int = Field(600, ge=5, le=7200, description="Seconds the migrations may take.")
    migration_retries: int = Field(
        1, ge=0, le=5, description="New tries of failed migrations within one rollout."
    )


class Autoscaling(Section):
    """The HorizontalPodAutoscaler; while it is on, ``replicas`` is left to it."""

    enabled: bool = Field(
        False,
        description="Whether replicas follow the load; needs a metrics server, which the sandbox brings.",
    )
    min_replicas: int = Field(2, ge=1, le=50, description="Fewest pods, however little there is to do.")
    max_replicas: int = Field(6, ge=1, le=100, description="Most pods; every one needs its database pool.")
    cpu_percent: int = Field(
        70, ge=10, le=100, description="Mean CPU use in percent of the request at which a pod is added."
    )
    requests_per_second: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Requests per second and pod at which a pod is added, without probes; whichever asks for "
        "more pods decides, they or the CPU. Takes the cluster's one API of custom metrics.",
    )
    scale_up_seconds: int = Field(
        0, ge=0, le=3600, description="Seconds for which more must be wanted before pods are added."
    )
    scale_down_seconds: int = Field(
        300, ge=0, le=3600, description="Seconds for which fewer must be enough before pods are taken away."
    )


class Jobs(Section):
    """Batch jobs and schedules, which every replica works on; PostgreSQL holds their queue."""

    concurrency: int = Field(
        4, ge=0, le=64, description="Jobs one replica works on at the same time; 0: it only serves requests."
    )
    stalled_seconds: int = Field(
        30,
        ge=5,
        le=3600,
        description="Seconds without a sign of life after which another replica takes a job over.",
    )


class Service(Section):
    """The service's Deployment, its environment and its address."""

    replicas: int = Field(2, ge=1, le=50, description="Pods; two keep serving while one is replaced.")
    autoscaling: Autoscaling = Field(Autoscaling(), description="Replicas that follow the load.")
    min_available: int | None = Field(
        None,
        ge=1,
        le=50,
        description="Pods a node drain must leave running; without it one pod at a time may go.",
    )
    environment: Mode = Field(Mode.PRODUCTION, description="The service's ENVIRONMENT; strictest by default.")
    log_level: LogLevel = Field(LogLevel.INFO, description="Lines below this level are not written.")
    allowed_origins: tuple[Origin, ...] = Field(
        (),
        json_schema_extra=merged_by(ListRule.UNION),
        description="Origins whose pages may call the API (CORS); a profile's are kept.",
    )
    rate_limit: RateLimit = Field(RateLimit(), description="How many requests one client may make.")
    ip_allow_list: tuple[Network, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Networks whose clients are let in; without one everybody is. Probes and metrics are for "
        "everybody who reaches a pod without a trusted proxy.",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Networks of the proxies whose X-Forwarded-For names the client; nobody else's is read.",
    )
    auth: Auth = Field(Auth(), description="Bearer tokens that are accepted.")
    jobs: Jobs = Field(Jobs(), description="Batch jobs and schedules.")
    event_retention_days: int = Field(
        30, ge=1, le=3650, description="Days for which recorded errors can be found by their trace id."
    )
    body_seconds: int = Field(
        30, ge=1, le=600, description="Seconds in which a request's body must have arrived whole."
    )
    enable_metrics: bool = Field(True, description="Whether /metrics answers.")
    enable_health_check: bool = Field(True, description="Whether /health checks database and cache.")
    type: ServiceType = Field(ServiceType.CLUSTER_IP, description="How the service is reached from outside.")
    node_port: int | None = Field(
        None, ge=30000, le=32767, description="Port on every node, for type NodePort."
    )
    pool: Pool = Field(Pool(), description="Database connections of one replica.")
    rollout: Rollout = Field(Rollout(), description="How a new version comes in.")
    release: Release = Field(Release(), description="How a release is tried, judged and kept.")
    resources: Resources = Field(
        Resources(cpu_request="250m", memory_request="256Mi", memory_limit="512Mi"),
        description="CPU and memory of one replica.",
    )

    @property
    def blue_green(self) -> bool:
        """Whether two colours may stand beside each other."""
        return self.rollout.strategy is Strategy.BLUE_GREEN

    @property
    def colours(self) -> int:
        """How many Deployments of the service stand beside each other while a release is tried."""
        return 2 if self.blue_green else 1

    @property
    def least_replicas(self) -> int:
        """Pods that run when there is little to do."""
        return self.autoscaling.min_replicas if self.autoscaling.enabled else self.replicas

    @property
    def most_replicas(self) -> int:
        """Pods that run under full load, without a rollout's surge."""
        return self.autoscaling.max_replicas if self.autoscaling.enabled else self.replicas
