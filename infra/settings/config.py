"""Every section of a stack together, each value sound by itself; model.py adds the rules between them."""

from __future__ import annotations

from pydantic import Field

from infra.settings.backups import Backups
from infra.settings.base import ListRule, Section, merged_by
from infra.settings.cluster import Cluster, Namespace
from infra.settings.images import Images
from infra.settings.ingress import Ingress
from infra.settings.logs import Logs
from infra.settings.modules import Dispatch, Ledger, Module
from infra.settings.monitoring import Monitoring
from infra.settings.network import Network
from infra.settings.pipelines import Pipelines
from infra.settings.policy import Policy
from infra.settings.postgres import Postgres
from infra.settings.redis import Redis
from infra.settings.release import Released
from infra.settings.sandbox import Sandbox
from infra.settings.secrets import SecretName, of_grafana, required
from infra.settings.service import Service
from infra.settings.slo import Slo
from infra.settings.stack import StackName
from infra.settings.tracing import Tracing


class StackConfig(Section):
    """Every section of a stack. Secrets are not in it: only their names follow from it."""

    stack: StackName
    cluster: Cluster = Field(Cluster(), description="Which Kubernetes the stack goes to.")
    sandbox: Sandbox = Field(Sandbox(), description="What the cluster of this machine is made of.")
    namespace: Namespace = Field(Namespace(), description="The stack's own namespace.")
    images: Images = Field(Images(), description="Where container images come from.")
    modules: tuple[Module, ...] = Field(
        (Module.LEDGER,),
        min_length=1,
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Domain modules that the service runs.",
    )
    ledger: Ledger = Field(Ledger(), description="The ledger module.")
    dispatch: Dispatch = Field(Dispatch(), description="The dispatch module.")
    service: Service = Field(Service(), description="The FastAPI service.")
    released: Released = Field(
        Released(), description="Which release has traffic; `slipway release` writes it."
    )
    ingress: Ingress = Field(Ingress(), description="Names and certificate under which it is reached.")
    network: Network = Field(Network(), description="Who may open a connection to whom.")
    postgres: Postgres = Field(Postgres(), description="The database.")
    redis: Redis = Field(Redis(), description="The cache.")
    backups: Backups = Field(Backups(), description="Dumps of the database, their retention, the drill.")
    monitoring: Monitoring = Field(Monitoring(), description="Figures, alerts, and who hears of them.")
    logs: Logs = Field(Logs(), description="Lines of every pod, and how long they are kept.")
    slo: Slo = Field(Slo(), description="What the service promises; alerts tell when it is being broken.")
    tracing: Tracing = Field(Tracing(), description="Spans of requests, and where they are sent.")
    policy: Policy = Field(Policy(), description="What the stack is exempt from.")
    pipelines: Pipelines = Field(
        Pipelines(), description="Who tests, builds, reviews and applies, and as whom at the cloud."
    )

    @property
    def namespace_name(self) -> str:
        """The namespace: as named, or the stack's name."""
        return self.namespace.name or str(self.stack)

    @property
    def serving(self) -> str:
        """The Deployment that has the traffic: ``service``, or ``service-blue``."""
        return f"service-{self.released.active}" if self.service.blue_green else "service"

    @property
    def secret_names(self) -> frozenset[SecretName]:
        """The secrets that this stack must hold."""
        webhook = self.service.auth.clerk_webhook
        store = self.backups.store.kind if self.backups.enabled else None
        mode, monitoring = self.service.environment, self.monitoring
        served = monitoring.enabled and monitoring.grafana.enabled
        grafana = of_grafana(provider=bool(monitoring.grafana.oidc.client_id)) if served else frozenset()
        given = grafana | ({SecretName.OTLP_HEADERS} if self.tracing.with_headers else frozenset())
        told = monitoring.told
        return required(mode, self.modules, webhook=webhook, store=store, told=told, also=given)
