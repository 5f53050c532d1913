"""The cluster's network namespace and its one link to the host.

No packet from inside can leave the machine: the default route refuses it at once, and the service range ends
in an empty bridge when no service rule takes the packet.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from infra.sandbox.commands import CommandError, run
from infra.sandbox.config import SandboxConfig
from infra.sandbox.mounts import mounts

INNER_LINK = "uplink"
SERVICE_BRIDGE = "services"


def ensure(config: SandboxConfig) -> bool:
    """Make what is missing of namespace, link, addresses and routes. Returns whether the namespace is new."""
    new = not stands(config)
    if new:
        _forget_stale(config)
        run("ip", "netns", "add", config.namespace)
    if not _ends_joined(config):
        _remove_link(config)
        run("ip", "link", "add", config.host_link, "type", "veth",
            "peer", "name", INNER_LINK, "netns", config.namespace)  # fmt: skip
    _inside(config)
    _outside(config)
    return new


def remove(config: SandboxConfig) -> None:
    """Link, routes and namespace. What still runs inside keeps only a namespace without a way out."""
    _remove_link(config)
    _forget_stale(config)


def stands(config: SandboxConfig) -> bool:
    """Whether the namespace is there (its file alone, left by a reboot, is not enough)."""
    return any(mount.point == config.namespace_file for mount in mounts())


def place(config: SandboxConfig) -> str:
    """Identity of the namespace: differs from an earlier one of the same name."""
    return f"net:[{config.namespace_file.stat().st_ino}]"


def inside(config: SandboxConfig, *argv: str, stdin: str | None = None) -> str:
    """Stdout of a command run in the namespace. Raises CommandError."""
    return run("nsenter", f"--net={config.namespace_file}", "--", *argv, stdin=stdin)


def host_links() -> dict[str, dict[str, Any]]:
    """Name → what ``ip -json link`` says, on the host."""
    return {link["ifname"]: link for link in json.loads(run("ip", "-json", "link", "show") or "[]")}


def drop_hollow_rules(config: SandboxConfig) -> None:
    """Remove kube-proxy's tables when an endpoint's chain is empty; to be called while kube-proxy is down.

    kube-proxy 1.34 empties the chain of an endpoint that went away and deletes it a second later. Ended
    between the two, it takes the empty chain for a filled one when it starts, and refuses that service.
    """
    for family in ("ip", "ip6"):
        try:
            shown = inside(config, "nft", "--json", "list", "table", family, "kube-proxy")
        except CommandError:  # no table yet
            continue
        items = json.loads(shown)["nftables"]
        chains = {item["chain"]["name"] for item in items if "chain" in item}
        filled = {item["rule"]["chain"] for item in items if "rule" in item}
        if any(name.startswith("endpoint-") for name in chains - filled):
            inside(config, "nft", "delete", "table", family, "kube-proxy")


def _inside(config: SandboxConfig) -> None:
    if SERVICE_BRIDGE not in inside(config, "ip", "-json", "link", "show"):
        inside(config, "ip", "link", "add", SERVICE_BRIDGE, "type", "bridge")
    _ip_batch(
        config,
        "link set lo up",
        f"link set {SERVICE_BRIDGE} up",
        f"address replace {config.node_address}/30 dev {INNER_LINK}",
        f"link set {INNER_LINK} up",
        "route replace unreachable default",
        f"route replace {config.service_cidr} dev {SERVICE_BRIDGE}",
    )
    # /proc/sys/net shows the namespace of whoever reads it: the host's own forwarding is not touched
    inside(config, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")


def _outside(config: SandboxConfig) -> None:
    run("ip", "-batch", "-", stdin="\n".join([
        f"address replace {config.host_address}/30 dev {config.host_link}",
        f"link set {config.host_link} up",
        f"route replace {config.pod_cidr} via {config.node_address} dev {config.host_link}",
        f"route replace {config.service_cidr} via {config.node_address} dev {config.host_link}",
    ]))  # fmt: skip


def _ip_batch(config: SandboxConfig, *lines: str) -> None:
    inside(config, "ip", "-batch", "-", stdin="\n".join(lines))


def _ends_joined(config: SandboxConfig) -> bool:
    """Whether the host's end is there and its other end lies in our namespace as it stands now."""
    link = host_links().get(config.host_link)
    if link is None:
        return False
    try:
        shown = json.loads(inside(config, "ip", "-json", "link", "show", "dev", INNER_LINK))
    except CommandError:
        return False
    return bool(shown[0].get("link_index") == link["ifindex"])


def _remove_link(config: SandboxConfig) -> None:
    if config.host_link in host_links():
        run("ip", "link", "delete", config.host_link)


def _forget_stale(config: SandboxConfig) -> None:
    while stands(config):
        run("umount", "--lazy", str(config.namespace_file))
    with contextlib.suppress(FileNotFoundError):
        Path(config.namespace_file).unlink()
