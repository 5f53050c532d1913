"""The provider resource's own inputs: what they mean, and when a change of them means another cluster."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from infra.errors import UserError
from infra.sandbox.providers.kubernetes import serving
from infra.sandbox.providers.kubernetes.cluster import DEFAULT_NAMESPACE, Cluster
from infra.sandbox.providers.kubernetes.kubeconfig import connection, server_of
from infra.sandbox.providers.kubernetes.rest import Client
from infra.sandbox.providers.kubernetes.session import Session, Settings
from infra.sandbox.providers.shared.values import UNKNOWN, Object

UNKNOWN_KUBECONFIG = "the kubeconfig is not known yet"
TRUE = frozenset({"true", "1", "t", True})
NOT_SERVED = {
    "renderYamlToDirectory": "the sandbox's plugin does not render YAML; leave it out",
    "alwaysRender": "the sandbox's plugin does not render YAML; leave it out",
    "helmReleaseSettings": "the sandbox's plugin does not serve Helm releases; leave it out",
}


def problems(inputs: Object) -> dict[str, str]:
    """Inputs that this plugin cannot honour, with the reason."""
    found = {key: why for key, why in NOT_SERVED.items() if inputs.get(key) not in (None, "", "false", False)}
    if inputs.get("enableServerSideApply") in {"false", False}:
        found["enableServerSideApply"] = "the sandbox's plugin only does server-side apply; leave it out"
    return found


def settings_of(inputs: Object) -> Settings:
    """The settings of provider inputs, each with its environment variable as the SDK documents it."""
    kinds = {"Secret": ("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
             "ConfigMap": ("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE")}  # fmt: skip
    return Settings(
        kubeconfig=_text(inputs, "kubeconfig"),
        context=_text(inputs, "context"),
        cluster=_text(inputs, "cluster"),
        namespace=_text(inputs, "namespace"),
        cluster_identifier=_text(inputs, "clusterIdentifier"),
        mutable_data=frozenset(kind for kind, (key, env) in kinds.items() if _flag(inputs, key, env)),
        patch_force=_flag(inputs, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        delete_unreachable=_flag(inputs, "deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
        upsert=_flag(inputs, "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    )


def foreign(inputs: Object) -> str:
    """Why these inputs do not lead to a sandbox's cluster; empty where they do."""
    if inputs.get("kubeconfig") == UNKNOWN:
        return UNKNOWN_KUBECONFIG
    settings = settings_of(inputs)
    return serving.foreign(settings.kubeconfig, context=settings.context, cluster=settings.cluster)


def configure(session: Session, inputs: Object) -> None:
    """Give the session its settings and its cluster, or the reason why it has none."""
    session.settings = settings = settings_of(inputs)
    session.cancelled = threading.Event()
    session.foreign = foreign(inputs)
    if inputs.get("kubeconfig") == UNKNOWN:
        session.cluster, session.absent = None, UNKNOWN_KUBECONFIG
        return
    try:
        target = connection(settings.kubeconfig, context=settings.context, cluster=settings.cluster)
    except UserError as error:
        session.cluster, session.absent = None, error.problems[0].what
        return
    namespace = settings.namespace or target.namespace or DEFAULT_NAMESPACE
    session.cluster = Cluster(Client(target, session.cancelled), namespace)


def another_cluster(old: Object, new: Object) -> bool:
    """Whether a change of provider inputs leads to another cluster, so that everything must be made anew."""
    before, after = settings_of(old), settings_of(new)
    if before.cluster_identifier or after.cluster_identifier:
        return before.cluster_identifier != after.cluster_identifier
    if UNKNOWN in (old.get("kubeconfig"), new.get("kubeconfig")):
        return False
    servers = [server_of(s.kubeconfig, context=s.context, cluster=s.cluster) for s in (before, after)]
    return None not in servers and servers[0] != servers[1]


def _text(inputs: Object, key: str) -> str:
    value: Any = inputs.get(key)
    if not isinstance(value, str) or value == UNKNOWN:
        return json.dumps(value) if isinstance(value, dict) else ""
    # The engine hands over JSON: a string comes in quotes from some callers, bare from others.
    return str(json.loads(value)) if len(value) > 1 and value[0] == value[-1] == '"' else value


def _flag(inputs: Object, key: str, variable: str) -> bool:
    given = inputs.get(key)
    return (os.environ.get(variable, "") if given is None else given) in TRUE
