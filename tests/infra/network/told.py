"""Which addresses the pods of a plan are told: by variables, command lines, and the files they mount."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.infra.mocks import Built

COMPONENT = "app.kubernetes.io/component"
LABEL = "[a-z0-9][a-z0-9-]*"
IN_CLUSTER = re.compile(
    rf"(?P<service>{LABEL})\.(?P<namespace>{LABEL})\.svc(?:\.cluster\.local)?(?::(?P<port>\d+))?"
)
PGBACKREST = re.compile(r"^repo1-s3-endpoint=(?P<host>\S+)$.*^repo1-storage-port=(?P<port>\d+)$", re.M | re.S)
URL = re.compile(r"https?://(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>\d+))?")
KEPT = "configuration"  # the volume of what a full backup keeps beside the data: nobody reads it there
Data = dict[str, Any]


@dataclass(frozen=True)
class Text:
    """What a pod of ``component`` reads, and where: a variable's name, a file's, or ``command``."""

    component: str
    name: str
    text: str


def texts(built: Built) -> Iterator[Text]:
    """Everything that any pod of the plan is told."""
    objects = {
        kind: {inputs["metadata"]["name"]: inputs for inputs in built.kind(kind).values()}
        for kind in ("ConfigMap", "Secret")
    }
    for component, spec in templates(built):
        held = {volume["name"]: volume for volume in spec.get("volumes", ())}
        for container in spec["containers"]:
            command = [*container.get("command", ()), *container.get("args", ())]
            yield Text(component, "command", " ".join(command))
            for variable in container.get("env", ()):
                yield Text(component, variable["name"], variable.get("value", ""))
            mounts = [mount["name"] for mount in container.get("volumeMounts", ())]
            mounted = [held[name] for name in mounts if name in held]  # a claim's volume is the set's
            for source in (*container.get("envFrom", ()), *mounted):
                if source.get("name") != KEPT:
                    yield from _of(component, source, objects)


def templates(built: Built) -> Iterator[tuple[str, Data]]:
    """Component and pod spec of every pod."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"):
        for inputs in built.kind(kind).values():
            spec = inputs["spec"]
            template = spec["jobTemplate"]["spec"]["template"] if kind == "CronJob" else spec["template"]
            yield template["metadata"]["labels"][COMPONENT], template["spec"]


def _of(component: str, source: Data, objects: dict[str, dict[str, Data]]) -> Iterator[Text]:
    config = source.get("configMapRef") or source.get("configMap")
    secret = source.get("secretRef") or source.get("secret")
    if config:
        data = objects["ConfigMap"][config["name"]]["data"]
    elif secret:
        data = _plain(objects["Secret"][secret.get("name") or secret["secretName"]]["stringData"])
    else:
        return
    yield from (Text(component, name, _plain(text)) for name, text in data.items())


def _plain(value: Any) -> Any:
    """What a secret holds, whose value the mocks wrap."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def in_cluster(told: Text) -> Iterator[tuple[str, str, int]]:
    """Service, namespace and port of every address inside the cluster that the text names."""
    if told.name == "prometheus.yml":
        yield from _found_by_name(yaml.safe_load(told.text))
    for found in PGBACKREST.finditer(told.text):
        if host := IN_CLUSTER.fullmatch(found["host"]):
            yield host["service"], host["namespace"], int(found["port"])
    for found in IN_CLUSTER.finditer(told.text):
        if found["port"]:
            yield found["service"], found["namespace"], int(found["port"])


def _found_by_name(config: Data) -> Iterator[tuple[str, str, int]]:
    rows = [row for job in config["scrape_configs"] for row in job.get("dns_sd_configs", ())]
    for row in rows:
        for name in row["names"]:
            host = IN_CLUSTER.fullmatch(name)
            assert host is not None, name
            yield host["service"], host["namespace"], row["port"]


@dataclass(frozen=True)
class Services:
    """The Services of a plan: what stands behind a name and a port of one."""

    rows: dict[tuple[str, str], Data]

    @classmethod
    def of(cls, built: Built) -> Services:
        """Those that the stack makes."""
        made = built.kind("Service").values()
        return cls({(each["metadata"]["name"], each["metadata"]["namespace"]): each["spec"] for each in made})

    def behind(self, service: str, namespace: str, port: int | str) -> tuple[str, int] | None:
        """The component and its own port; None where the stack has no such Service. ``port``: or its name."""
        spec = self.rows.get((service, namespace))
        if spec is None:
            return None
        headless = spec.get("clusterIP") == "None"
        for row in spec["ports"]:
            # By a headless Service's name the pods are asked at whatever port the client says.
            if port in (row["port"], row["name"]):
                return spec["selector"][COMPONENT], int(row["targetPort"])
        assert headless, f"{service}.{namespace} has no port {port}"
        return spec["selector"][COMPONENT], int(port)
