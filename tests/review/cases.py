"""The golden reviews: what changes in each, what was acknowledged, what a policy says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.settings.secrets import SecretName
from tests.review import stacks
from tests.review.stacks import AtAws, Program

INGRESS = {"hosts": ["ledger.example.com"], "class_name": "nginx", "cluster_issuer": "letsencrypt"}
MEASURED: dict[str, Any] = {"monitoring": {"enabled": True}}
HOSTILE = {
    "pipes": "a | b || c",
    "ticks": "`code` and ``more``",
    "mention": "@everybody please look",
    "comment": "<!-- hidden --> <script>alert(1)</script> <img src=x onerror=alert(1)>",
    "link": "[click](https://example.com) ![image](https://example.com/pixel.png)",
    "file": "first\n```\n</details>\n@everybody\n~~~\n| a | b |\n",
    "password": "hunter2-hunter2",
    "address": "postgresql://owner:hunter3-hunter3@postgres:5432/ledger",
}


@dataclass(frozen=True)
class Finding:
    """What a policy found, in the form that infra/review takes."""

    rule: str
    resource: str
    what: str
    remedy: str
    mandatory: bool


@dataclass(frozen=True)
class Case:
    """One review. ``by_hand``: logical name → what somebody changed meanwhile, or "gone"."""

    before: Program | AtAws | None
    after: Program | AtAws
    acknowledged: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    exempt: tuple[Finding, ...] = ()
    by_hand: Mapping[str, Any] = field(default_factory=dict)


SERVICE = stacks.whole()
BUCKET = AtAws({"lock_days": 30})
FINDINGS = (
    Finding("pods-have-limits", "service-deployment", "has no memory limit", "set service.resources", False),
    Finding(
        "images-are-pinned",
        "service-deployment",
        "its image has the tag latest, which is another image tomorrow",
        "name a version in images.service",
        True,
    ),
)
EXEMPT = (
    Finding("pods-are-restricted", "exporters-nodes", "reaches folders of the node", "leave it out", True),
)
CASES: dict[str, Case] = {
    "nothing-changes": Case(SERVICE, stacks.whole()),
    "everything-new": Case(None, stacks.whole()),
    "image": Case(SERVICE, stacks.whole(images={"service": "registry.example/team/service:1.5.0"})),
    "image-from-elsewhere": Case(
        SERVICE, stacks.whole(images={"service": "elsewhere.example/service:1.4.2"})
    ),
    "replicas": Case(
        SERVICE,
        stacks.whole(
            service={"replicas": 3, "resources": {"cpu_request": "750m", "memory_request": "768Mi"}}
        ),
    ),
    "storage-grows": Case(SERVICE, stacks.whole(postgres={"storage": "80Gi"})),
    "storage-grows-acknowledged": Case(
        SERVICE, stacks.whole(postgres={"storage": "80Gi"}), acknowledged=("postgres-set", "redis-set")
    ),
    "storage-shrinks": Case(SERVICE, stacks.whole(postgres={"storage": "20Gi"})),
    "database-deleted": Case(stacks.stores(), stacks.stores(database=False)),
    "database-renamed": Case(stacks.stores(), stacks.stores(names={"postgres": "database"})),
    "namespace-renamed": Case(SERVICE, stacks.whole(namespace={"name": "household"})),
    "secret-rotated": Case(
        SERVICE, stacks.whole({SecretName.REDIS_PASSWORD: "another-password-of-the-cache-0123456789ab"})
    ),
    "configuration": Case(
        SERVICE,
        stacks.whole(service={"replicas": 2, "log_level": "DEBUG"}, postgres={"max_connections": 320}),
    ),
    "ingress-opened": Case(
        stacks.whole(ingress=INGRESS),
        stacks.changed(
            stacks.whole(ingress={**INGRESS, "hosts": ["ledger.example.com", "api.example.com"]}),
            stacks.without_tls,
        ),
    ),
    "rights-opened": Case(
        stacks.whole(**MEASURED), stacks.changed(stacks.whole(**MEASURED), stacks.more_rights)
    ),
    "network-opened": Case(
        stacks.network({"postgres": ("service",), "redis": ("service",), "search": ("service",)}),
        stacks.network(
            {"postgres": ("service", "reports"), "search": (), "queue": ("service",)}, closed=False
        ),
    ),
    "bucket-opened": Case(BUCKET, AtAws({"lock_days": 7, "noncurrent_days": 7}, stacks.opened)),
    "bucket-new": Case(None, BUCKET),
    "module-switched-on": Case(SERVICE, stacks.whole(modules=["ledger", "assistant"])),
    "autoscaler-switched-on": Case(
        SERVICE,
        stacks.whole(service={"autoscaling": {"enabled": True, "min_replicas": 2, "max_replicas": 3}}),
    ),
    "changed-by-hand": Case(
        SERVICE,
        stacks.whole(),
        by_hand={"service-deployment": {"spec": {"replicas": 5}}, "service-budget": "gone"},
    ),
    "policy-findings": Case(
        SERVICE,
        stacks.whole(images={"service": "registry.example/team/service:latest"}),
        findings=FINDINGS,
        exempt=EXEMPT,
    ),
    "failed": Case(SERVICE, stacks.failing),
    "hostile-values": Case(
        stacks.config_map(dict.fromkeys(HOSTILE, "before")),
        stacks.config_map(HOSTILE),
    ),
    "renamed": Case(
        stacks.config_map({"LEVEL": "info"}), stacks.config_map({"LEVEL": "info"}, name="settings")
    ),
    "unknown-values": Case(
        stacks.config_map({"KEY_ID": "none yet", "LEVEL": "info"}), AtAws({"lock_days": 30}, told=True)
    ),
}
