"""The whole composition on one page: settings and secrets in, resources and exports out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes

from infra import images, names, ranges
from infra.components.backups import Addresses, Backups
from infra.components.base import Context
from infra.components.gateway import way_in
from infra.components.logs.collector import LogCollector
from infra.components.logs.stores import LogStore
from infra.components.monitoring.adapter import RequestMetrics
from infra.components.monitoring.alertmanager import Alertmanager
from infra.components.monitoring.exporters import Exporters, Measured
from infra.components.monitoring.operated import Operated
from infra.components.monitoring.prometheus import Prometheus
from infra.components.namespace import Namespace
from infra.components.network import NetworkPolicies
from infra.components.object_store import Access, Credentials, ObjectStore
from infra.components.pitr import Archive
from infra.components.postgres import Postgres
from infra.components.priority import prioritized
from infra.components.redis import Redis
from infra.components.service import Service
from infra.images import Image, Meter
from infra.render import adapter
from infra.render import archive as archive_render
from infra.render import backups as backups_render
from infra.render import logs as logs_render
from infra.render import postgres as postgres_render
from infra.render import prometheus as prometheus_render
from infra.render import redis as redis_render
from infra.render import service as service_render
from infra.render.network import policies
from infra.sandbox.config import SandboxConfig
from infra.settings.backups import StoreKind
from infra.settings.ingress import IngressKind
from infra.settings.load import Secrets
from infra.settings.logs import Store
from infra.settings.model import Settings
from infra.settings.secrets import OF_GRAFANA, OF_RECEIVERS, SecretName
from infra.settings.service import ServiceType

AWS_ENDPOINT = "AWS_ENDPOINT_URL"  # AWS's own variable, of every SDK and of the official plugin
POSTGRES_PASSWORDS = (SecretName.POSTGRES_OWNER_PASSWORD, SecretName.POSTGRES_SERVICE_PASSWORD)


def build(settings: Settings, secrets: Secrets) -> dict[str, Any]:
    """Declare every resource of a stack; the result is what the stack exports (nothing secret)."""
    opts = pulumi.ResourceOptions(providers={"kubernetes": _cluster(settings)})
    namespace = _namespace(settings, opts)
    context = Context(str(settings.stack), namespace.namespace)
    opts = _closed("network", settings, context, settings.namespace_name, opts)
    context = prioritized(context, settings.cluster, opts)
    of_backups = (Image.BACKUPS,) if settings.backups.enabled else ()
    wanted = (Image.SERVICE, Image.POSTGRES, Image.REDIS, *of_backups)
    used = {image: _reference(settings, image) for image in wanted}
    passwords = {name: secrets[name] for name in POSTGRES_PASSWORDS}
    store = _store(settings, context, used[Image.BACKUPS], secrets, opts) if of_backups else None
    archive = _archive(settings, used[Image.BACKUPS], secrets, store) if store else None
    # An archive needs pgBackRest in PostgreSQL's own container too, which the backups' image has.
    server = used[Image.POSTGRES] if archive is None else archive.image
    read = settings.monitoring.enabled
    postgres = Postgres("postgres", context, settings.postgres, server, passwords, archive, opts, read=read)
    password = secrets[SecretName.REDIS_PASSWORD]
    redis = Redis("redis", context, settings.redis, used[Image.REDIS], password, opts, read=read)
    hidden = _service_secrets(secrets, postgres, redis)
    service = Service("service", context, settings, used[Image.SERVICE], hidden, postgres.owner_url, opts)
    if store:
        # After the store with all its protection, where it is ours: the exporter asks it as it starts.
        addresses = Addresses(postgres.owner_url, redis.copying_url)
        key = secrets[SecretName.BACKUP_KEY]
        after = _after(store.made, opts)
        Backups("backups", context, settings, used[Image.BACKUPS], key, addresses, store.access, after)
    measuring = _monitoring(settings, context, secrets, opts) if read else _Monitoring({}, {})
    collecting = _logs(settings, context, opts) if settings.logs.enabled else _Logs({}, {})
    return {
        "namespace": namespace.namespace,
        "url": _url(settings, context, service, opts),
        "postgres": pulumi.Output.concat(postgres.host, f":{postgres_render.PORT}"),
        "redis": pulumi.Output.concat(redis.host, f":{redis_render.PORT}"),
        **measuring.exported,
        **collecting.exported,
        "images": {**_named(used), **measuring.images, **collecting.images},
    }


def _namespace(settings: Settings, opts: pulumi.ResourceOptions) -> Namespace:
    name, protected = settings.namespace_name, settings.namespace.protected
    return Namespace("stack", name, str(settings.stack), opts, protected=protected)


def _closed(
    name: str, settings: Settings, context: Context, namespace: str, opts: pulumi.ResourceOptions
) -> pulumi.ResourceOptions:
    """Options of what runs in the namespace, which comes after its policies: no pod is open at first."""
    found = policies.of_stack(settings, ranges.of(settings))
    wanted = [policy for policy in found if policy.namespace == namespace]
    return _after([NetworkPolicies(name, context, wanted, opts)], opts) if wanted else opts


def _cluster(settings: Settings) -> pulumi_kubernetes.Provider:
    """The one provider, named explicitly: nothing ever goes to whatever context happens to be current."""
    # Set for one healing run (infra/stack.py) and for the plugin: as an input it would stay in the state.
    os.environ.pop("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", None)
    return pulumi_kubernetes.Provider(
        "cluster",
        kubeconfig=settings.cluster.kubeconfig_path,
        context=settings.cluster.context,
        enable_server_side_apply=True,
        enable_config_map_mutable=True,  # those not named by their content: docs/decisions/0020
    )


def _reference(settings: Settings, image: Image) -> str:
    named = {Image.SERVICE: settings.images.service, Image.BACKUPS: settings.images.backups}.get(image)
    if named:
        return named
    return images.reference(image, images.Catalogue(settings.images.catalogue.value))


@dataclass(frozen=True)
class _Store:
    """Who asks the object store as what, and what of it the stack makes."""

    access: Access
    made: list[pulumi.Resource]


def _store(
    settings: Settings, context: Context, image: str, secrets: Secrets, opts: pulumi.ResourceOptions
) -> _Store:
    kind = settings.backups.store.kind
    if kind is StoreKind.CLUSTER:
        store = ObjectStore(context, settings, image, secrets[SecretName.BACKUP_KEY], opts)
        return _Store(store.access, [store])
    if kind is StoreKind.AWS:
        return _bucket_at_aws(settings, context)
    return _Store(_given_access(secrets), [])


def _archive(settings: Settings, image: str, secrets: Secrets, store: _Store) -> Archive | None:
    """None where the log is not archived."""
    if not archive_render.wanted(settings):
        return None
    return Archive(settings, image, secrets[SecretName.BACKUP_KEY], store.access)


def _named(used: Mapping[Image, str]) -> dict[str, str]:
    return {image.value: reference for image, reference in used.items()}


def _after(made: list[pulumi.Resource], opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made))


def _bucket_at_aws(settings: Settings, context: Context) -> _Store:
    """A bucket of our own and its users' keys. Imported here: without AWS nobody waits for its package."""
    from infra.components.aws.account import provider
    from infra.components.aws.arguments import Account, BucketArguments, LockMode
    from infra.components.aws.bucket import BackupBucket

    store = settings.backups.store
    arguments = BucketArguments(
        bucket=backups_render.bucket(settings),
        lock_days=store.object_lock_days or None,
        lock_mode=LockMode(backups_render.LOCK_MODE),
        users=backups_render.users(settings),
    )
    account = Account(backups_render.region(settings), os.environ.get(AWS_ENDPOINT) or None)
    opts = pulumi.ResourceOptions(providers={"aws": provider(account)})
    bucket = BackupBucket("bucket", context, arguments, opts)
    return _Store({user: Credentials(key.id, key.secret) for user, key in bucket.keys.items()}, [bucket])


@dataclass(frozen=True)
class _Monitoring:
    """What measures the stack: addresses inside the cluster or whose they are, and images by program."""

    exported: Mapping[str, pulumi.Output[str] | str]
    images: dict[str, str]


def _monitoring(
    settings: Settings, context: Context, secrets: Secrets, opts: pulumi.ResourceOptions
) -> _Monitoring:
    measured = Measured(secrets[SecretName.POSTGRES_OWNER_PASSWORD], secrets[SecretName.REDIS_PASSWORD])
    catalogue = images.Catalogue(settings.images.catalogue.value)
    meters = {meter: images.meter(meter, catalogue) for meter in Meter}
    objects = _reference(settings, Image.KUBE_STATE_METRICS)
    Exporters(context, settings, meters, objects, measured, opts)
    told = {OF_RECEIVERS[way]: secrets[OF_RECEIVERS[way]] for way in settings.monitoring.told}
    if settings.monitoring.operator:
        Operated(context, settings, told, opts)
        certified = (Meter.BLACKBOX_EXPORTER,) if settings.ingress.certified else ()
        exporters = (Meter.POSTGRES_EXPORTER, Meter.REDIS_EXPORTER, *certified)
        used = {meter.value: meters[meter] for meter in exporters}
        return _Monitoring({"monitoring": names.OPERATOR}, used)
    alertmanager = Alertmanager(
        context, settings, meters[Meter.ALERTMANAGER], meters[Meter.PROMETHEUS], told, opts
    )
    prometheus = Prometheus(context, settings, meters[Meter.PROMETHEUS], _node(settings), opts)
    used = {meter.value: reference for meter, reference in meters.items()}
    if adapter.wanted(settings):
        used[adapter.NAME] = image = _reference(settings, Image.PROMETHEUS_ADAPTER)
        RequestMetrics(context, settings, image, measured.postgres, opts)
    addresses = {"prometheus": prometheus.url, "alertmanager": alertmanager.url}
    if settings.monitoring.grafana.enabled:
        addresses["grafana"] = _grafana(settings, context, secrets, opts)
        used["grafana"] = str(images.GRAFANA)
    return _Monitoring(addresses, {**used, Image.KUBE_STATE_METRICS.value: objects})


@dataclass(frozen=True)
class _Logs:
    """Where lines are kept: addresses inside the cluster by store, and images by program."""

    addresses: dict[str, pulumi.Output[str]]
    images: dict[str, str]

    @property
    def exported(self) -> dict[str, dict[str, pulumi.Output[str]]]:
        """Nothing where no lines are kept."""
        return {"logs": self.addresses} if self.addresses else {}


def _logs(settings: Settings, context: Context, opts: pulumi.ResourceOptions) -> _Logs:
    stores, collector = _reference(settings, Image.VICTORIA_LOGS), _reference(settings, Image.VLAGENT)
    made = {store.value: LogStore(context, settings, store, stores, opts).url for store in Store}
    name = names.logs_namespace(settings.namespace_name)
    apart = Namespace("logs", name, context.stack, opts, privileged_because=logs_render.NODE_FILES).namespace
    cluster = settings.cluster
    own = str(SandboxConfig(cluster.name, cluster.network).logs) if cluster.sandbox else None
    folders = logs_render.node_folders(settings, own)
    reading = Context(context.stack, apart)
    opts = _closed("logs-network", settings, reading, name, opts)
    LogCollector(reading, settings, folders, collector, opts)
    return _Logs(made, {Image.VICTORIA_LOGS.value: stores, Image.VLAGENT.value: collector})


def _grafana(
    settings: Settings, context: Context, secrets: Secrets, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Its address. Imported here: without Grafana nobody waits for the SDK that writes its dashboards."""
    from infra.components.monitoring.grafana import Grafana

    own = {name: secrets[name] for name in OF_GRAFANA if name in secrets}
    return Grafana(context, settings, str(images.GRAFANA), own, opts).url


def _node(settings: Settings) -> prometheus_render.Node | None:
    """The sandbox's one node; elsewhere Prometheus finds the nodes itself."""
    cluster = settings.cluster
    if not cluster.sandbox:
        return None
    config = SandboxConfig(cluster.name, cluster.network)
    return prometheus_render.Node(config.node_name, config.node_address)


def _given_access(secrets: Secrets) -> Access:
    """To a store that is there: one key for all users, whose rights are then the store's own matter."""
    given = Credentials(
        secrets[SecretName.BACKUP_ACCESS_KEY_ID], secrets[SecretName.BACKUP_SECRET_ACCESS_KEY]
    )
    return dict.fromkeys(backups_render.OBJECT_ACTIONS, given)


def _service_secrets(secrets: Secrets, postgres: Postgres, redis: Redis) -> dict[str, pulumi.Output[str]]:
    values = {
        service_render.DATABASE_URL: postgres.service_url,
        service_render.REDIS_URL: redis.url,
        service_render.SECRET_KEY: secrets[SecretName.SECRET_KEY],
    }
    optional = {**service_render.OPTIONAL_SECRETS, **service_render.MODULE_SECRET_VARIABLES}
    return values | {key: secrets[name] for name, key in optional.items() if name in secrets}


def _url(
    settings: Settings, context: Context, service: Service, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Where the service answers: by its host, from this machine by the sandbox's node port, else inside the
    cluster."""
    cluster, ingress = settings.cluster, settings.ingress
    if ingress.hosts and ingress.kind is IngressKind.NGINX:
        return pulumi.Output.from_input(f"https://{ingress.hosts[0]}")
    if ingress.hosts:
        return way_in("ingress", context, ingress, service.address, service.port, opts)
    if cluster.sandbox and settings.service.type is ServiceType.NODE_PORT:
        node = SandboxConfig(cluster.name, cluster.network).node_address
        return pulumi.Output.concat(f"http://{node}:", service.node_port.apply(str))
    return pulumi.Output.concat("http://", service.host)
