"""Settings objects that validate, drawn from the model's own ranges, patterns and vocabularies.

``repaired`` brings numbers that rules tie together into line, so that most draws validate; what it misses is
dropped. It repeats no rule's arithmetic more exactly than it must.
"""

from __future__ import annotations

import json
import re
import types
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import available_timezones

from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import reject
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from infra import limits
from infra.names import SANDBOX
from infra.settings.base import CRON, ListRule, Section
from infra.settings.merge import merge
from infra.settings.model import SECTIONS, Settings, defaults
from infra.settings.modules import BUNDLED
from infra.settings.slo import LATENCY_BOUNDS_MS
from infra.settings.stack import FORM, StackName
from tests.infra.program import any_watching as watching

Values = dict[str, Any]
MINUTES, HOURS, DAYS = st.integers(0, 59), st.integers(0, 23), st.integers(0, 6)
SCHEDULES = st.one_of(
    st.builds("{} {} * * *".format, MINUTES, HOURS),
    st.builds("{} {} * * {}".format, MINUTES, HOURS, DAYS),
    st.builds("{} */{} * * *".format, MINUTES, st.integers(1, 12)),
)
TIME_ZONES = st.sampled_from(sorted(zone for zone in available_timezones() if zone[0].isupper()))
NETWORKS = st.sampled_from(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])
DAYS_OF_THE_CALENDAR = st.dates(date(2020, 1, 1), date(2099, 12, 31)).map(date.isoformat)
JUDGED = {"_network": NETWORKS, "_day": DAYS_OF_THE_CALENDAR}  # by functions that no pattern tells of
RATES, PROVIDER = ("per_minute", "per_hour", "per_day"), ("issuer", "audience", "jwks_url")
PRINTED = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)
SHORT_HOST = re.compile(r"^([a-z]+://)([^.:/]+)(?=[:/]|$)")
TEXTS = st.one_of(PRINTED, st.builds("~{}/{}".format, PRINTED, PRINTED), st.just("~/.kube/config"))


def values(section: type[Section]) -> st.SearchStrategy[Values]:
    """Some keys of a section, and all that have no default; those left out keep theirs."""
    keys = {name: _field(field) for name, field in section.model_fields.items()}
    required = {name for name, field in section.model_fields.items() if field.is_required()}
    return st.fixed_dictionaries(
        {name: keys[name] for name in required},
        optional={name: keys[name] for name in keys.keys() - required},
    )


def _field(field: FieldInfo) -> st.SearchStrategy[Any]:
    if "_time_zone" in repr(field.metadata):
        return TIME_ZONES
    extra = field.json_schema_extra
    unique = isinstance(extra, dict) and extra.get("x-list-rule") in list(ListRule)
    return _typed(field.annotation, field.metadata, unique=unique)


def _typed(kind: Any, metadata: list[Any], *, unique: bool = False) -> st.SearchStrategy[Any]:
    origin, parts = get_origin(kind), get_args(kind)
    judged = next((offered for judge, offered in JUDGED.items() if judge in repr(parts)), None)
    if origin is Annotated and judged is not None:
        return judged
    if origin is Annotated:
        return _typed(parts[0], [m for part in parts[1:] for m in getattr(part, "metadata", [part])])
    if origin in {Union, types.UnionType}:
        return st.one_of([_typed(part, metadata) for part in parts])
    if origin is tuple:
        least = _bound(metadata, MinLen, "min_length", 0)
        return st.lists(_typed(parts[0], []), min_size=least, max_size=3, unique_by=repr if unique else None)
    if kind is types.NoneType:
        return st.none()
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(_bound(metadata, Ge, "ge", None), _bound(metadata, Le, "le", None))
    if kind is float:
        return st.floats(_bound(metadata, Ge, "ge", None), _bound(metadata, Le, "le", None))
    if issubclass(kind, StrEnum):
        return st.sampled_from([member.value for member in kind])
    return values(kind) if issubclass(kind, Section) else _text(metadata)


def _text(metadata: list[Any]) -> st.SearchStrategy[str]:
    patterns = [found for item in metadata if (found := getattr(item, "pattern", None))]
    if not patterns:
        return TEXTS
    if patterns[0] == CRON:
        return SCHEDULES
    most = _bound(metadata, MaxLen, "max_length", 1000)
    return st.from_regex(patterns[0], fullmatch=True).filter(lambda text: len(text) <= most)


def _bound(metadata: list[Any], kind: type, name: str, otherwise: Any) -> Any:
    return next((getattr(item, name) for item in metadata if isinstance(item, kind)), otherwise)


STACKS = st.one_of(st.just(SANDBOX), st.from_regex(FORM, fullmatch=True)).map(StackName.parse)
OWN = st.fixed_dictionaries({}, optional={name: _field(Settings.model_fields[name]) for name in SECTIONS})


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    """Any stack's settings, as its profile and file together could say them."""
    stack = draw(STACKS)
    drawn = merge(defaults(), draw(OWN))
    whole = {**repaired(stack, drawn), "stack": stack.model_dump(mode="json")}
    try:
        return Settings.model_validate_json(json.dumps(whole))
    except ValidationError:
        reject()


def repaired(stack: StackName, drawn: Values) -> Values:
    """The same with what contradicts itself taken out, and numbers brought into one another's range."""
    _place(stack, drawn)
    _outside(stack, drawn)
    for section in ("service", "postgres", "redis"):
        watching.resources(drawn[section]["resources"])
    _access(drawn)
    _rollout(drawn["service"])
    _connections(drawn)
    _cache(drawn["redis"])
    _backups(drawn)
    watching.monitoring(drawn)
    _counted(drawn)
    watching.tracing(drawn)
    watching.logs(drawn)
    _network(stack, drawn)
    promised = drawn["slo"]["latency"]
    promised["p95_ms"] = max(bound for bound in LATENCY_BOUNDS_MS if bound <= promised["p95_ms"])
    return drawn


def _place(stack: StackName, drawn: Values) -> None:
    cluster, images, service = drawn["cluster"], drawn["images"], drawn["service"]
    cluster["sandbox"] = cluster["sandbox"] and stack.environment != "prod"
    cluster["context"] = None if cluster["sandbox"] else cluster["context"] or "elsewhere"
    if not cluster["sandbox"]:
        images["catalogue"] = "public"
    if images["catalogue"] == "public":
        images["service"] = images["service"] or "registry.example/team/service:1.4.2"
    elif not images["service"]:
        drawn["modules"] = sorted(BUNDLED)
    if stack.environment not in {"dev", "sandbox"} and service["environment"] == "development":
        service["environment"] = "staging"
    if service["type"] != "NodePort":
        service["node_port"] = None


def _counted(drawn: Values) -> None:
    service, monitoring = drawn["service"], drawn["monitoring"]
    if not (monitoring["enabled"] and service["enable_metrics"]) or monitoring["operator"]:
        service["autoscaling"]["requests_per_second"] = None


def _outside(stack: StackName, drawn: Values) -> None:
    service, ingress = drawn["service"], drawn["ingress"]
    if drawn["cluster"]["sandbox"]:
        ingress["hosts"] = ingress["hosts"] if ingress["kind"] == "nginx" else []
    _way_in(ingress, drawn, production=stack.environment == "prod")
    if service["environment"] == "production":
        service["allowed_origins"] = [each for each in service["allowed_origins"] if each.startswith("https")]


def _way_in(ingress: Values, drawn: Values, *, production: bool) -> None:
    """Each kind keeps its own keys, and has what it needs."""
    unset = defaults()["ingress"]
    kind, shared = ingress["kind"], ingress["kind"] == "gateway" and ingress["gateway"]["name"]
    if kind != "gateway" or not shared:
        ingress["gateway"] = unset["gateway"]
    if kind == "nginx" or shared:
        ingress |= {key: None for key in ("class_name", "tls_secret", "cluster_issuer")}
    if kind == "gateway":
        ingress["body_limit_megabytes"] = unset["body_limit_megabytes"]
        ingress["class_name"] = None if shared else ingress["class_name"] or "eg"
    if kind != "nginx":
        ingress["nginx"] = unset["nginx"]
    elif ingress["hosts"]:
        ingress["nginx"]["upstreams"] = ingress["nginx"]["upstreams"] or ["10.0.0.11:30080"]
        drawn["service"]["type"] = "NodePort"
        drawn["service"]["trusted_proxies"] = drawn["service"]["trusted_proxies"] or ["10.0.0.0/8"]
    if shared and (ingress["gateway"]["http_listener"] or production):
        ingress["gateway"]["https_listener"] = ingress["gateway"]["https_listener"] or "https"
    if ingress["tls_secret"]:
        ingress["cluster_issuer"] = None
    elif ingress["hosts"] and production and kind != "nginx" and not shared:
        ingress["cluster_issuer"] = ingress["cluster_issuer"] or "letsencrypt"


def _access(drawn: Values) -> None:
    service = drawn["service"]
    rates, auth = service["rate_limit"], service["auth"]
    low, middle, high = sorted(rates[key] for key in RATES)
    rates |= {"per_minute": min(low, 1_000_000), "per_hour": min(middle, 100_000_000), "per_day": high}
    rates["routes"] = [_rising(route) for route in rates["routes"][:1]]
    if not all(auth[key] for key in PROVIDER):
        auth |= dict.fromkeys(PROVIDER)
    if service["environment"] != "development" and auth["jwks_url"]:
        auth["jwks_url"] = auth["jwks_url"].replace("http://", "https://")
    if drawn["ingress"]["hosts"] and service["ip_allow_list"]:
        service["trusted_proxies"] = service["trusted_proxies"] or ["10.0.0.0/8"]


def _network(stack: StackName, drawn: Values) -> None:
    """Hosts that settings name are none of the stack's own: those drawn by a short name get a whole one."""
    for section, name in ((drawn["service"]["auth"], "jwks_url"), (drawn["tracing"], "endpoint")):
        section[name] = _whole(section[name])
    oidc = drawn["monitoring"]["grafana"]["oidc"]
    oidc |= {name: _whole(oidc[name]) for name in ("token_url", "api_url")}
    store, email = drawn["backups"]["store"], drawn["monitoring"]["receivers"]["email"]
    store["endpoint"] = _whole(store["endpoint"])
    email["smarthost"] = (_whole(f"smtp://{email['smarthost']}") or "")[7:] if email["smarthost"] else None
    drawn["network"]["reaches"] = [each for each in drawn["network"]["reaches"] if ".svc" not in each]


def _whole(url: str | None) -> str | None:
    return url and SHORT_HOST.sub(r"\1\2.example.com", url)


def _rising(route: str) -> str:
    path, _, counts = route.rpartition("=")
    return f"{path}={'/'.join(sorted(counts.split('/'), key=int))}"


def _rollout(service: Values) -> None:
    rollout, scaling = service["rollout"], service["autoscaling"]
    rollout["termination_grace_seconds"] = max(
        rollout["termination_grace_seconds"], rollout["drain_seconds"] + 32
    )
    rollout["progress_deadline_seconds"] = max(
        rollout["progress_deadline_seconds"], rollout["min_ready_seconds"] + 1
    )
    scaling["min_replicas"] = min(scaling["min_replicas"], scaling["max_replicas"])
    least = scaling["min_replicas"] if scaling["enabled"] else service["replicas"]
    if service["min_available"]:
        service["min_available"] = min(service["min_available"], least - 1) or None


def _connections(drawn: Values) -> None:
    """Pools are cut to what the most pods leave each of them; the database gets memory for all."""
    postgres, service, pool = drawn["postgres"], drawn["service"], drawn["service"]["pool"]
    scaling = service["autoscaling"]
    pods = scaling["max_replicas"] if scaling["enabled"] else service["replicas"]
    pods += service["rollout"]["max_surge"]
    postgres["max_connections"] = max(postgres["max_connections"], pods * 7 + 6)
    share = (postgres["max_connections"] - 6) // pods - limits.SERVICE_CONNECTIONS
    pool["size"] = min(pool["size"], share)
    pool["max_overflow"] = min(pool["max_overflow"], share - pool["size"])
    _at_least(postgres["resources"], 4 * postgres["max_connections"])


def _at_least(resources: Values, mebibytes: int) -> None:
    if limits.memory_bytes(resources["memory_limit"]) < mebibytes * limits.MIB:
        resources["memory_limit"] = _quantity(mebibytes)


def _quantity(mebibytes: int) -> str:
    """Seven digits are the most that a quantity may have."""
    return f"{mebibytes}Mi" if mebibytes < 10_000_000 else f"{mebibytes // 1024}Gi"


def _cache(redis: Values) -> None:
    _at_least(redis["resources"], 2)
    room = limits.memory_bytes(redis["resources"]["memory_limit"]) * 3 // 4
    if limits.memory_bytes(redis["maxmemory"]) > room:
        redis["maxmemory"] = _quantity(room // limits.MIB)
    wanted = 2 * limits.memory_bytes(redis["maxmemory"])
    if limits.memory_bytes(redis["storage"]) < wanted:
        redis["storage"] = _quantity(wanted // limits.MIB)


def _backups(drawn: Values) -> None:
    backups, images = drawn["backups"], drawn["images"]
    store = backups["store"]
    for holder in (backups["resources"], backups["restore_resources"], store["resources"]):
        watching.resources(holder)
    if backups["enabled"]:
        backups["bucket"] = backups["bucket"] or "a-bucket"
        if images["catalogue"] == "public":
            images["backups"] = images["backups"] or "registry.example/team/backups:1.4.2"
        store["endpoint"] = store["endpoint"] if store["kind"] == "s3" else None
        store["region"] = store["region"] or "eu-central-1"
    backups["retention_days"] = max(backups["retention_days"], 14)
    store["object_lock_days"] = min(store["object_lock_days"], backups["retention_days"])
    minute, hour, *days = backups["schedule"].split()
    backups["full_schedule"] = f"{minute} {hour} * * {backups['full_schedule'].split()[-1]}"
    if hour.isdigit():  # drill and retention some hours after the dump, on any day
        later = (int(hour) * 60 + int(minute) + backups["deadline_minutes"]) % 1440
        backups["drill_schedule"] = f"{later % 60} {later // 60} * * {days[-1]}"
        backups["retention_schedule"] = backups["drill_schedule"]
