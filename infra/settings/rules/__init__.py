"""Rules between two values: each names both, so that the reader sees which one to change.

Each stands in the file of its matter (places.py, access.py, sizes.py, backups.py, monitoring.py,
operator.py, logs.py, release.py, slo.py, tracing.py, pipelines.py, network.py, ingress.py); here is the list.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from infra.settings.config import StackConfig
from infra.settings.rules import (
    access,
    autoscaling,
    backups,
    grafana,
    ingress,
    logs,
    monitoring,
    network,
    operator,
    pipelines,
    places,
    release,
    sizes,
    slo,
    tracing,
)
from infra.settings.rules.finding import Finding

Rule = Callable[[StackConfig], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    places.cluster_is_named,
    places.production_stays_out_of_the_sandbox,
    places.namespace_is_the_stacks_own,
    places.sandbox_images_stay_in_the_sandbox,
    places.service_image_is_named,
    places.modules_stand_once,
    places.bundled_service_has_the_modules,
    places.node_port_has_its_type,
    places.development_stays_in_development,
    places.sandbox_has_no_outside,
    places.hosts_stand_once,
    places.certificate_has_one_source,
    places.public_origins_are_encrypted,
    ingress.ingress_keys_fit_its_kind,
    ingress.gateway_is_the_stacks_or_the_platforms,
    ingress.plain_requests_have_a_goal,
    ingress.gateway_hosts_fit_a_route,
    ingress.nginx_reaches_the_service,
    ingress.grafana_is_led_to,
    access.rates_grow_with_the_window,
    access.route_limits_stand_once,
    access.provider_is_named_whole,
    access.keys_come_encrypted,
    access.allow_list_sees_the_client,
    sizes.requests_fit_limits,
    sizes.backup_requests_fit_limits,
    sizes.monitoring_requests_fit_limits,
    sizes.logs_requests_fit_limits,
    autoscaling.autoscaling_has_a_range,
    autoscaling.requests_are_counted,
    sizes.pools_fit_the_database,
    sizes.connections_fit_memory,
    sizes.redis_fits_memory,
    sizes.append_only_file_fits_its_volume,
    sizes.drain_fits_grace,
    sizes.ready_fits_deadline,
    sizes.disruption_leaves_room,
    release.two_colours_have_their_strategy,
    release.one_colour_stands_beside,
    release.kept_colour_has_an_end,
    backups.backups_have_a_bucket,
    backups.retention_outlives_the_schedule,
    backups.drill_is_later_than_the_backup,
    backups.retention_is_later_than_the_backup,
    backups.store_is_reachable,
    backups.lock_ends_before_retention,
    backups.backups_image_is_named,
    backups.archive_has_a_store,
    monitoring.figures_fit_their_volume,
    monitoring.mail_is_named_whole,
    monitoring.mail_is_encrypted_in_production,
    monitoring.quiet_hours_have_an_end,
    operator.operator_is_elsewhere,
    operator.operator_labels_stand_once,
    operator.heartbeat_is_the_clusters,
    operator.quiet_hours_are_the_operators,
    logs.lines_fit_their_volume,
    logs.collector_has_a_namespace,
    grafana.sandbox_has_no_grafana,
    grafana.grafana_has_figures,
    grafana.grafana_provider_is_named_whole,
    grafana.grafana_provider_finds_the_way_back,
    grafana.grafana_logins_are_encrypted,
    slo.latency_is_counted,
    slo.window_is_kept,
    tracing.spans_have_an_address,
    tracing.headers_travel_encrypted,
    pipelines.pipelines_reach_the_stack,
    pipelines.pipelines_are_named_whole,
    pipelines.pipelines_cloud_is_named_whole,
    pipelines.pipelines_have_one_cloud,
    pipelines.roles_are_apart,
    pipelines.registry_takes_no_password,
    pipelines.runner_knows_the_cluster,
    pipelines.approvals_are_asked_for,
    network.named_hosts_are_elsewhere,
)


def name(rule: Rule) -> str:
    """``pools_fit_the_database`` as users see it: ``pools-fit-the-database``."""
    return rule.__name__.replace("_", "-")


def reason(rule: Rule) -> str:
    """Why the rule is there: the first line of its docstring."""
    return (rule.__doc__ or "").partition("\n")[0]


def broken(settings: StackConfig) -> list[Finding]:
    """Every broken rule, in the order of the list."""
    return [dataclasses.replace(found, rule=name(rule)) for rule in RULES for found in rule(settings)]


def notices(settings: StackConfig) -> list[Finding]:
    """What is accepted, and better known than found out: said aloud."""
    return [
        *backups.beside_the_data(settings),
        *monitoring.alerts_go_nowhere(settings),
        *operator.own_server_is_not_run(settings),
        *network.network_is_open(settings),
        *network.service_is_called(settings),
        *ingress.gateways_proxies_are_named(settings),
    ]
