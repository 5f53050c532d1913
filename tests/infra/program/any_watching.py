"""How a stack is watched, as drawn for any_settings.py: brought into line with the rules."""

from __future__ import annotations

from typing import Any

from infra import limits
from infra.names import LOGS_SUFFIX, NAMESPACE_CHARS
from infra.settings.rules.operator import utc_offset

Values = dict[str, Any]


def resources(held: Values) -> None:
    """Requests are no more than limits."""
    memory = sorted([held["memory_request"], held["memory_limit"]], key=limits.memory_bytes)
    held["memory_request"], held["memory_limit"] = memory
    if held["cpu_limit"]:
        cpu = sorted([held["cpu_request"], held["cpu_limit"]], key=limits.cpu_millis)
        held["cpu_request"], held["cpu_limit"] = cpu


def monitoring(drawn: Values) -> None:
    """Whole receivers, hours that end, and what an operator takes."""
    monitoring = drawn["monitoring"]
    for part in ("prometheus", "alertmanager", "exporter", "adapter"):
        resources(monitoring[f"{part}_resources"])
    _grafana(drawn)
    email, quiet = monitoring["receivers"]["email"], monitoring["quiet_hours"]
    if not all(email[key] for key in ("to", "sender", "smarthost")):
        email |= {"to": [], "sender": None, "smarthost": None}
    email["tls"] = email["tls"] or drawn["service"]["environment"] == "production"
    if not (quiet["start"] and quiet["end"]) or quiet["start"] == quiet["end"]:
        quiet |= {"start": None, "end": None}
    monitoring["retention_days"] = max(monitoring["retention_days"], 90)
    if drawn["cluster"]["sandbox"]:
        monitoring["operator"] = False
    if monitoring["operator"]:
        monitoring["receivers"]["heartbeat"]["every_minutes"] = None
    labels = {label.partition("=")[0]: label for label in monitoring["operator_labels"]}
    monitoring["operator_labels"] = list(labels.values())
    if monitoring["operator"] and utc_offset(quiet["time_zone"]) is None:
        quiet["time_zone"] = "UTC"
    _keeps(monitoring)


def tracing(drawn: Values) -> None:
    """Spans have somewhere to go, and a token goes there encrypted."""
    tracing = drawn["tracing"]
    tracing["enabled"] = tracing["enabled"] and tracing["endpoint"] is not None
    if drawn["service"]["environment"] != "development" and tracing["endpoint"]:
        tracing["headers"] = tracing["headers"] and tracing["endpoint"].startswith("https://")


def _keeps(kept: Values) -> None:
    room = limits.memory_bytes(kept["storage"]) * 4 // 5
    if limits.memory_bytes(kept["retention_size"]) > room:
        kept["storage"] = "9000000Gi"


def logs(drawn: Values) -> None:
    """Lines fit their volumes, and what reads them has a namespace."""
    logs = drawn["logs"]
    for key in ("store_resources", "collector_resources"):
        resources(logs[key])
    for store in ("service", "parts"):
        _keeps(logs[store])
    name = drawn["namespace"]["name"]
    if logs["enabled"] and name and len(name + LOGS_SUFFIX) > NAMESPACE_CHARS:
        drawn["namespace"]["name"] = "x" * (NAMESPACE_CHARS - len(LOGS_SUFFIX))


def _grafana(drawn: Values) -> None:
    """Over TLS everywhere; a provider that is named whole, or none."""
    grafana, oidc = drawn["monitoring"]["grafana"], drawn["monitoring"]["grafana"]["oidc"]
    resources(grafana["resources"])
    grafana["enabled"] = (
        grafana["enabled"]
        and drawn["monitoring"]["enabled"]
        and not drawn["monitoring"]["operator"]
        and not drawn["cluster"]["sandbox"]
    )
    ingress = drawn["ingress"]
    if ingress["kind"] == "nginx":
        grafana["host"] = None
    if ingress["gateway"]["name"]:  # whose certificate is the platform's
        grafana["tls_secret"] = None
        grafana["host"] = grafana["host"] if ingress["gateway"]["https_listener"] else None
    elif grafana["host"]:
        grafana["tls_secret"] = grafana["tls_secret"] or "grafana-tls"
    addresses = ("auth_url", "token_url", "api_url")
    if not grafana["host"] or not all(oidc[key] for key in ("client_id", *addresses)):
        oidc |= dict.fromkeys(("client_id", *addresses))
    for key in addresses:
        oidc[key] = oidc[key] and oidc[key].replace("http://", "https://", 1)
