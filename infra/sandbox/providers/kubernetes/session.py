"""What the operations share: the provider's settings, the cluster, the engine's log, cancellation, masks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from infra.errors import UserError
from infra.sandbox.providers.kubernetes.cluster import Cluster
from infra.sandbox.providers.kubernetes.engine import Engine
from infra.sandbox.providers.kubernetes.kubeconfig import REMEDY
from infra.sandbox.providers.kubernetes.masking import Masks


@dataclass(frozen=True)
class Settings:
    """The provider resource's inputs that this plugin heeds; names and defaults are the SDK's."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    cluster_identifier: str = ""
    mutable_data: frozenset[str] = frozenset()
    patch_force: bool = False
    delete_unreachable: bool = False
    upsert: bool = False


@dataclass
class Session:
    """One run of the plugin. ``absent`` says why there is no cluster, when there is none.

    ``foreign`` says why the configured cluster is not the sandbox's, and is empty when it is.
    """

    engine: Engine
    masks: Masks
    settings: Settings = field(default_factory=Settings)
    cluster: Cluster | None = None
    absent: str = "the provider is not configured"
    foreign: str = "the provider is not configured"
    cancelled: threading.Event = field(default_factory=threading.Event)

    def needs_cluster(self) -> Cluster:
        """The cluster. Raises UserError when none is configured."""
        if self.cluster is None:
            raise UserError.of("kubernetes", self.absent, REMEDY)
        return self.cluster


class NotReadyError(Exception):
    """The object exists but did not become ready: the engine records it, and the next run goes on with it."""

    def __init__(self, reasons: tuple[str, ...], live: dict[str, object]) -> None:
        self.reasons, self.live = reasons, live
        super().__init__("\n".join(reasons))
