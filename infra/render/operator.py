"""What a cluster's prometheus-operator reads of a stack: the same catalogue as ServiceMonitor, PrometheusRule
and AlertmanagerConfig (docs/decisions/0026). prometheus.py and alertmanager.py render our own servers' files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from infra import names
from infra.monitoring import catalogue
from infra.monitoring.inhibition import silenced
from infra.render import alertmanager, alerts, links, monitoring
from infra.render import backups as backups_render
from infra.render.alertmanager import NOBODY
from infra.render.monitoring import HTTPS_PORT, PORTS
from infra.render.prometheus import CERTIFICATES, LOGS
from infra.render.scrape import SERIES_LIMIT, TIMEOUT_SECONDS
from infra.settings.logs import Store
from infra.settings.model import Settings
from infra.settings.monitoring import Day, QuietHours, Receiver
from infra.settings.rules.operator import utc_offset
from infra.settings.secrets import OF_RECEIVERS

COMPONENT = "monitoring"
RULES, RECEIVERS = names.child(COMPONENT, "rules"), names.child(COMPONENT, "receivers")
GROUP = "monitoring.coreos.com"
PORT = "metrics"  # of the exporters' Services and of the headless one of the service's pods
# The operator's own labels of a target; ``endpoint`` would take the place of the service's own label.
OF_THE_OPERATOR = "endpoint|service|container"
CLOCK = "%H:%M"

Data = dict[str, Any]


@dataclass(frozen=True)
class Object:
    """An object of the operator's kinds, without what all have in common. ``part``: whom it is about."""

    kind: str
    version: str
    name: str
    part: str
    spec: Data

    @property
    def api_version(self) -> str:
        """Group and version, as a manifest has them."""
        return f"{GROUP}/{self.version}"


def labels(settings: Settings, part: str) -> dict[str, str]:
    """Those of every object, and those by which the cluster's Prometheus chooses it."""
    return names.labels(part, str(settings.stack)) | settings.monitoring.chosen_by


def manifest(settings: Settings, wanted: Object) -> Data:
    """The whole object as kubectl takes it."""
    return {
        "apiVersion": wanted.api_version,
        "kind": wanted.kind,
        "metadata": {
            "name": wanted.name,
            "namespace": settings.namespace_name,
            "labels": labels(settings, wanted.part),
        },
        "spec": wanted.spec,
    }


def monitors(settings: Settings) -> tuple[Object, ...]:
    """Who is read: the service's pods and the exporters. The cluster reads nodes, kubelets and objects."""
    parts = [monitoring.SERVICE] if settings.service.enable_metrics else []
    parts += [monitoring.POSTGRES_EXPORTER, monitoring.REDIS_EXPORTER]
    parts += [backups_render.EXPORTER] if settings.backups.enabled else []
    made = {part: _monitor(part, [_endpoint(settings, part, PORT, _single(part))]) for part in parts}
    made |= _logs(settings) if settings.logs.enabled else {}
    return tuple(Object("ServiceMonitor", "v1", part, part, spec) for part, spec in made.items())


def _single(part: str) -> dict[str, str]:
    """A part of one pod is its own instance, whichever pod it is."""
    return {} if part == monitoring.SERVICE else {"instance": part}


def _logs(settings: Settings) -> dict[str, Data]:
    """The stores, and what reads for them from a namespace of its own; its figures are the stack's."""
    kept = {"metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "|".join(LOGS), "action": "keep"}]}
    made = {}
    for store in Store:
        name, own = store.component, {"instance": store.component, "store": store.value}
        made[name] = _monitor(name, [_endpoint(settings, name, name, own) | kept])
    reader, namespace = names.LOGS_COLLECTOR, settings.namespace_name
    endpoints = [
        _endpoint(settings, reader, store.value, {"namespace": namespace, "store": store.value}) | kept
        for store in Store
    ]
    apart = {"namespaceSelector": {"matchNames": [names.logs_namespace(namespace)]}}
    return {**made, reader: _monitor(reader, endpoints) | apart}


def _monitor(part: str, endpoints: list[Data]) -> Data:
    return {
        "selector": {"matchLabels": names.selector_labels(part)},
        "jobLabel": "app.kubernetes.io/component",
        "sampleLimit": SERIES_LIMIT,
        "endpoints": endpoints,
    }


def _endpoint(settings: Settings, part: str, port: str, own: Mapping[str, str]) -> Data:
    seconds = settings.monitoring.scrape_interval_seconds
    return {
        "port": port,
        "path": monitoring.METRICS_PATH,
        "interval": f"{seconds}s",
        "scrapeTimeout": f"{min(seconds, TIMEOUT_SECONDS)}s",
        "relabelings": [
            {"action": "labeldrop", "regex": OF_THE_OPERATOR},
            *({"targetLabel": name, "replacement": value} for name, value in {"part": part, **own}.items()),
        ],
    }


def probes(settings: Settings) -> tuple[Object, ...]:
    """The certificate of each host as users see it, by an exporter of ours; ``instance`` is the host."""
    if not (hosts := settings.ingress.certified):
        return ()
    exporter, seconds = monitoring.BLACKBOX_EXPORTER, settings.monitoring.scrape_interval_seconds
    named = {"sourceLabels": ["instance"], "regex": f"(.*):{HTTPS_PORT}", "targetLabel": "instance"}
    spec = {
        "jobName": CERTIFICATES,
        "module": monitoring.CERTIFICATE,
        "prober": {"url": f"{monitoring.host(settings, exporter)}:{PORTS[exporter]}"},
        "interval": f"{seconds}s",
        "scrapeTimeout": f"{min(seconds, TIMEOUT_SECONDS)}s",
        "sampleLimit": SERIES_LIMIT,
        "targets": {
            "staticConfig": {
                "static": [f"{host}:{HTTPS_PORT}" for host in hosts],
                "labels": {"part": CERTIFICATES},
                "relabelingConfigs": [named],
            }
        },
    }
    return (Object("Probe", "v1", CERTIFICATES, exporter, spec),)


def rules(settings: Settings) -> Object:
    """Every alert carries the stack's namespace, also one on nodes: by it the operator's routes and
    inhibitions choose, and by the stack our route."""
    own = {"namespace": settings.namespace_name, "stack": str(settings.stack)}
    seconds = settings.monitoring.scrape_interval_seconds
    groups = alerts.as_data(
        catalogue.groups(settings),
        catalogue.recordings(settings),
        own,
        links.of_alerts(settings),
        silenced(settings),
    )
    spec = {"groups": [{"interval": f"{seconds}s", **group} for group in groups]}
    return Object("PrometheusRule", "v1", RULES, COMPONENT, spec)


def receivers(settings: Settings, secret: str) -> Object:
    """Who hears of an alert of ours. ``secret``: the name of the Secret with the receivers' secrets.

    Without anybody named there is no route: the alerts go where the cluster's Alertmanager sends the rest.
    """
    config = alertmanager.configuration(settings)
    spec: Data = {"inhibitRules": [_inhibition(rule) for rule in config["inhibit_rules"]]}
    if settings.monitoring.told:
        nights = alertmanager.nights(in_utc(settings.monitoring.quiet_hours))
        quiet = [{"name": alertmanager.QUIET, "timeIntervals": [_interval(night) for night in nights]}]
        ours = [_matcher(f'stack="{settings.stack}"')]
        spec |= {
            "route": _route(config["route"]) | {"matchers": ours},
            "receivers": [{"name": names.RECEIVER, **_ways(config["receivers"][0], secret)}],
            **({"muteTimeIntervals": quiet} if nights else {}),
        }
    return Object("AlertmanagerConfig", "v1alpha1", RECEIVERS, COMPONENT, spec)


def in_utc(hours: QuietHours) -> QuietHours:
    """The same hours by the only clock that the operator has; a rule sees to it that they stay the same."""
    offset = utc_offset(hours.time_zone)
    if hours.start is None or hours.end is None or not offset:
        return hours
    day = datetime(2024, 1, 2)  # any day
    start, end = (day + _since_midnight(clock) - offset for clock in (hours.start, hours.end))
    week, moved = list(Day), (start.date() - day.date()).days
    days = tuple(week[(week.index(each) + moved) % len(week)] for each in hours.days)
    clocks = {"start": start.strftime(CLOCK), "end": end.strftime(CLOCK)}
    return hours.model_copy(update={**clocks, "days": days, "time_zone": "UTC"})


def _since_midnight(clock: str) -> timedelta:
    hours, minutes = clock.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _interval(night: Data) -> Data:
    return {"times": [_camel(times) for times in night["times"]], "weekdays": night["weekdays"]}


def _route(route: Data) -> Data:
    """A route and those below it, but for alerts that somebody else sends."""
    wanted = {"matchers": [_matcher(text) for text in route["matchers"]]} if "matchers" in route else {}
    below = [_route(each) for each in route.get("routes", ()) if each["receiver"] != NOBODY]
    plain = {key: value for key, value in route.items() if key not in ("matchers", "routes")}
    return {**_camel(plain), **wanted, **({"routes": below} if below else {})}


def _inhibition(rule: Data) -> Data:
    return {
        f"{side}Match": [_matcher(text) for text in rule[f"{side}_matchers"]] for side in ("source", "target")
    }


def _matcher(text: str) -> Data:
    """``name="value"`` or ``name=~"value"`` in its pieces."""
    name, _, value = text.partition("=")
    regular = value.startswith("~")
    return {"name": name, "value": value.lstrip("~").strip('"'), "matchType": "=~" if regular else "="}


def _ways(team: Data, secret: str) -> Data:
    def key(receiver: Receiver) -> Data:
        return {"name": secret, "key": OF_RECEIVERS[receiver].value}

    title, text = (alertmanager.messages()[f"slipway.{name}"] for name in ("title", "text"))
    slack = [
        {"channel": way["channel"], "apiURL": key(Receiver.SLACK), "sendResolved": True}
        | {"title": title, "text": text, "fallback": title}
        for way in team.get("slack_configs", ())
    ]
    mail = [
        {
            **{name: way[name] for name in ("to", "from", "smarthost", "html")},
            "authUsername": way["auth_username"],
            "authPassword": key(Receiver.EMAIL),
            "requireTLS": way["require_tls"],
            "sendResolved": True,
            "headers": [{"key": "Subject", "value": title}],
            "text": text,
        }
        for way in team.get("email_configs", ())
    ]
    return {**({"slackConfigs": slack} if slack else {}), **({"emailConfigs": mail} if mail else {})}


def _camel(data: Data) -> Data:
    def renamed(key: str) -> str:
        first, *others = key.split("_")
        return first + "".join(word.title() for word in others)

    return {renamed(key): value for key, value in data.items()}


def manifests(settings: Settings, secret: str) -> list[Data]:
    """Every object of the stack. ``secret`` as in receivers()."""
    made = (*monitors(settings), *probes(settings), rules(settings), receivers(settings, secret))
    return [manifest(settings, each) for each in made]
