"""NetworkPolicies in words: what one that comes or goes does to the pods, and what a changed rule opens.

kubernetes.io, "Network Policies": a pod that any policy selects is closed but for what some policy allows,
and a rule that names nobody lets everybody through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.review.differences import MISSING, Difference
from infra.review.plan import Op, Step
from infra.review.wording import listed, value

PEERS = {"ingress": "from", "egress": "to"}
EVERYBODY = "everybody"
MOST = 4


def of_policy(step: Step) -> str:
    """What becomes of the network when a policy comes or goes."""
    spec = step.inputs.get("spec")
    held: Mapping[str, Any] = spec if isinstance(spec, dict) else {}
    opened = [
        f"{way} {PEERS[way]} {_all(held[way], PEERS[way])}"
        for way in PEERS
        if isinstance(held.get(way), list) and held[way]
    ]
    if opened:
        return (
            f"opens {' and '.join(opened)}"
            if step.op is not Op.DELETE
            else f"it opened {' and '.join(opened)}, which is closed where another one closes"
        )
    return "closes its pods" if step.op is not Op.DELETE else "its pods are open where no other one closes"


def of_rule(difference: Difference) -> str:
    """What a changed rule opens or closes; empty for what is no rule."""
    path, before, after = difference.path, difference.before, difference.after
    way = path[1] if path[:1] == ("spec",) and len(path) > 1 else ""
    if way not in PEERS or (before is not MISSING and after is not MISSING):
        return ""
    peers = PEERS[way]
    if path[-1] == peers:  # the list of names itself: without it everybody is meant
        if after is MISSING:
            return f"{way} opens to {EVERYBODY}, not only {_peers(before)}"
        return f"{way} closes to all but {_peers(after)}"
    if path[-1] == "ports":
        if after is MISSING:
            return f"{way} opens on every port, not only {_ports(before)}"
        return f"{way} closes on all ports but {_ports(after)}"
    side, effect = (after, "opens") if before is MISSING else (before, "closes")
    return f"{way} {effect}: {_rule(side, peers)}"


def _all(rules: Any, peers: str) -> str:
    shown = [_rule(rule, peers) for rule in rules[:MOST]] if isinstance(rules, list) else []
    more = len(rules) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _rule(side: Any, peers: str) -> str:
    """A whole rule, one peer, or one port."""
    if not isinstance(side, dict):
        return value(side)
    if "port" in side or "protocol" in side:
        return _ports([side])
    if {"podSelector", "namespaceSelector", "ipBlock"} & set(side):
        return _peers([side])
    on = f" on {_ports(side['ports'])}" if side.get("ports") else ""
    return f"{_peers(side.get(peers))}{on}"


def _peers(listed_peers: Any) -> str:
    if not isinstance(listed_peers, list) or not listed_peers:
        return EVERYBODY
    words = [part for peer in listed_peers[:MOST] if isinstance(peer, dict) for part in _peer(peer)]
    more = len(listed_peers) - MOST
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def _peer(peer: Mapping[str, Any]) -> Iterator[str]:
    block = peer.get("ipBlock")
    if isinstance(block, dict):
        yield f"addresses {value(block.get('cidr'))}"
        return
    pods, places = peer.get("podSelector"), peer.get("namespaceSelector")
    of = f" of namespaces {_selected(places)}" if places is not None else ""
    yield f"pods {_selected(pods)}{of}"


def _selected(selector: Any) -> str:
    """``app=service``; all where nothing is asked for."""
    if not isinstance(selector, dict) or not selector:
        return "of any kind"
    labels = selector.get("matchLabels")
    if isinstance(labels, dict) and set(selector) == {"matchLabels"}:
        return listed(f"{key}={held}" for key, held in sorted(labels.items()))
    return value(selector)


def _ports(ports: Any) -> str:
    held = ports if isinstance(ports, list) else []
    numbers = [port.get("port", "every port") for port in held if isinstance(port, dict)]
    return f"port {listed(_whole(number) for number in numbers)}"


def _whole(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number
