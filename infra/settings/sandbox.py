"""Section ``sandbox``: what the cluster of this machine is made of."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.base import Section


class PodNetwork(StrEnum):
    """What joins the pods? The words of infra/sandbox/config.py; a test compares them."""

    BRIDGE = "bridge"
    CILIUM = "cilium"


class Sandbox(Section):
    """Of a stack on the sandbox; all stacks of one cluster share it."""

    network: PodNetwork | None = Field(
        None,
        description="bridge: joins pods and enforces no NetworkPolicy; cilium: enforces them, and takes five "
        "minutes to build. Without it the cluster keeps what it has; a new one has the bridge.",
    )
