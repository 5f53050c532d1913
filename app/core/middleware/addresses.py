"""The client's address behind trusted proxies, and the allow-list.

Only X-Forwarded-For is read, and only where the peer is a trusted proxy. ``Forwarded`` (RFC 7239) is not: a
proxy that writes the one passes the other on as the client sent it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app import contract
from app.core.auth.errors import AddressRefusedError
from app.core.context import Context
from app.core.errors import answer
from app.core.values import Network
from app.settings import Settings

MAX_HOPS = 32  # no chain of proxies is longer; a longer header is somebody's play
PORT = re.compile(r"^(?:\[(?P<v6>[^\]]*)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5})$", re.ASCII)
Address = IPv4Address | IPv6Address


class AddressMiddleware:
    """Sets state ``client`` and ``probe``, and refuses addresses outside IP_ALLOW_LIST. A probe passes: it
    comes from the kubelet or Prometheus themselves, and through a proxy it is a request like others."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._trusted = tuple(map(ip_network, context.settings.trusted_proxies))
        self._allowed = tuple(map(ip_network, context.settings.ip_allow_list))
        self._probes = probe_paths(context.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``client`` is the peer as it is where that is no address (a Unix socket: empty)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = (scope.get("client") or ("",))[0]
        address = hop = parse(peer)
        if hop is not None and within(hop, self._trusted):
            address = self._behind(hop, Headers(scope=scope).getlist("x-forwarded-for"))
        probe = address == hop and scope["path"] in self._probes and scope["method"] == "GET"
        client = peer if address is None else str(address)
        scope.setdefault("state", {}).update(client=client, probe=probe)
        if self._allowed and not probe and not within(address, self._allowed):
            await answer(scope, AddressRefusedError(), recorded=False)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _behind(self, peer: Address, headers: list[str]) -> Address:
        """The right-most address that is no trusted proxy: everything left of it is the client's own word.
        Where a proxy wrote no address, the last hop that is known."""
        hop = peer
        for part in reversed(",".join(headers).rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
            address = parse(part.strip())
            if address is None:
                return hop
            hop = address
            if not within(address, self._trusted):
                return hop
        return hop


def probe_paths(settings: Settings) -> frozenset[str]:
    """The probes that answer: one that is turned off is 404, and an error must be counted."""
    off = {contract.HEALTH_PATH} if not settings.enable_health_check else set()
    off |= {contract.METRICS_PATH} if not settings.enable_metrics else set()
    return frozenset(contract.PROBE_PATHS) - off


def within(address: Address | None, networks: tuple[Network, ...]) -> bool:
    """Whether one of the networks holds the address."""
    return address is not None and any(address in network for network in networks)


@lru_cache(maxsize=1024)
def parse(text: str) -> Address | None:
    """The address, without a port; IPv4 inside IPv6 (RFC 4291 §2.5.5.2) as IPv4. None where it is none or
    has a zone, which means something on one machine only."""
    found = PORT.match(text)
    try:
        address = ip_address(found["v6"] or found["v4"] if found else text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address
