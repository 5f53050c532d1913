"""Stacks that together have everything: for pages and tests that go through all that there can be."""

from __future__ import annotations

from infra.settings.backups import Backups
from infra.settings.ingress import Ingress
from infra.settings.model import Settings
from infra.settings.pitr import Pitr
from infra.settings.service import Autoscaling
from infra.settings.slo import Slo

HOST = "ledger.example.com"


def of(base: Settings, slo: Slo | None = None) -> Settings:
    """The stack with an ingress, an autoscaler, a CPU limit, backups, their archive and a promise."""
    service = base.service
    changed = {
        "autoscaling": Autoscaling(enabled=True),
        "resources": service.resources.model_copy(update={"cpu_limit": "2"}),
    }
    return base.model_copy(
        update={
            "service": service.model_copy(update=changed),
            "backups": Backups(enabled=True, bucket="example-backups", pitr=Pitr(enabled=True)),
            "ingress": Ingress(hosts=(HOST,), cluster_issuer="letsencrypt"),
            "slo": slo or Slo(),
        }
    )
