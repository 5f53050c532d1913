"""Rules on who may call the service and how often."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding
from infra.settings.service import Mode

PROVIDER = ("issuer", "audience", "jwks_url")


def rates_grow_with_the_window(settings: StackConfig) -> Iterator[Finding]:
    """A limit of a longer window below that of a shorter one would make the latter meaningless."""
    rates = settings.service.rate_limit
    for shorter, longer in pairwise(rates.limits._fields):
        if getattr(rates, longer) < getattr(rates, shorter):
            yield Finding(
                ("service", "rate_limit", longer),
                f"{longer} {getattr(rates, longer)} is less than {shorter} {getattr(rates, shorter)}",
                f"raise {longer} or lower {shorter}",
                also=(("service", "rate_limit", shorter),),
            )
    for path, limits in rates.of_routes.items():
        if tuple(limits) != tuple(sorted(limits)):
            yield Finding(
                ("service", "rate_limit", "routes"),
                f"{path} has {'/'.join(map(str, limits))}: a longer window allows less than a shorter one",
                "write PATH=MINUTE/HOUR/DAY with numbers that do not fall",
            )


def route_limits_stand_once(settings: StackConfig) -> Iterator[Finding]:
    """Of two limits of one path only one could hold."""
    rates = settings.service.rate_limit
    paths = [route.rpartition("=")[0] for route in rates.routes]
    for path in dict.fromkeys(paths):
        if paths.count(path) > 1:
            yield Finding(("service", "rate_limit", "routes"), f"{path} stands twice", "name each path once")


def provider_is_named_whole(settings: StackConfig) -> Iterator[Finding]:
    """A provider's token is checked by all three: who made it, for whom, with which key."""
    auth = settings.service.auth
    missing = [key for key in PROVIDER if getattr(auth, key) is None]
    there = [key for key in PROVIDER if key not in missing]
    if missing and there:
        yield Finding(
            ("service", "auth", missing[0]),
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing, and "
            f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} set: no token could be checked",
            f"set {', '.join(PROVIDER)} together, or none of them",
            also=tuple(("service", "auth", key) for key in there),
        )


def keys_come_encrypted(settings: StackConfig) -> Iterator[Finding]:
    """Whoever can change the keys on their way can make any token."""
    service = settings.service
    if service.environment is not Mode.DEVELOPMENT and (service.auth.jwks_url or "").startswith("http://"):
        yield Finding(
            ("service", "auth", "jwks_url"),
            f"{service.auth.jwks_url} is not https, and service.environment is {service.environment}",
            "use https",
            also=(("service", "environment"),),
        )


def allow_list_sees_the_client(settings: StackConfig) -> Iterator[Finding]:
    """Behind an ingress every request comes from the controller, unless it is trusted to name the client."""
    service, hosts = settings.service, settings.ingress.hosts
    if service.ip_allow_list and hosts and not service.trusted_proxies:
        yield Finding(
            ("service", "ip_allow_list"),
            f"is set, {', '.join(hosts)} leads through an ingress, and trusted_proxies is empty: every "
            "client would have the ingress controller's address",
            "name the network of the ingress controller's pods: service.trusted_proxies",
            also=(("ingress", "hosts"),),
        )
