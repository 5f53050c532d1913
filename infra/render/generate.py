"""``python -m infra.render.generate``: rewrites every committed file that is made from settings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from infra.paths import ROOT
from infra.render import (
    alertmanager,
    archive,
    backups,
    compose,
    configuration,
    dashboard_pages,
    dashboards,
    everything,
    example,
    monitoring,
    nginx,
    operator,
    plain,
    postgres,
    project,
    prometheus,
    redis,
    reference,
    runbooks,
    schema,
    service,
)
from infra.render.network import policies
from infra.render.network.peers import Ranges
from infra.render.pipelines import chosen
from infra.render.pipelines import everything as pipelines
from infra.settings import document, layers, local, model
from infra.settings.ingress import Ingress, IngressKind, Nginx
from infra.settings.merge import merge
from infra.settings.model import Settings, defaults
from infra.settings.monitoring import Email, QuietHours, Receivers, Slack
from infra.settings.pipelines import Provider
from infra.settings.service import ServiceType
from infra.settings.stack import Environment, StackName

GOLDEN = ROOT / "tests" / "infra" / "golden"
STACKS = ROOT / "stacks"
RUNBOOKS = ROOT / "docs" / "runbooks"
PIPELINES = ROOT / "docs" / "pipelines"
EXAMPLE_TEAM = "example"
EXAMPLE_NODE = prometheus.Node("slipway", "10.201.0.2")
EXAMPLE_RANGES = Ranges(
    ("10.244.0.0/16", "10.96.0.0/16"),
    ("10.201.0.2/32",),
    clients_are_no_pods=True,
    dns=(1053,),
    api=(6443,),
    watched=True,
)
EXAMPLE_MAIL = Email(
    to=("oncall@example.com",), sender="alerts@example.com", smarthost="smtp.example.com:587"
)
EXAMPLE_IMAGE = "registry.example/team/service:1.4.2"


def profile(environment: Environment) -> Settings:
    """The settings of a stack that has nothing of its own but what it must name."""
    stack = StackName(team=EXAMPLE_TEAM, environment=environment)
    named = {
        "cluster": {"context": "example"},
        "images": {"service": EXAMPLE_IMAGE},
        "backups": {"bucket": "example-backups"},
    }
    own = {} if environment is Environment.SANDBOX else named
    sections = document.read(layers.profile_file(environment, STACKS)).data
    merged = merge(merge(defaults(), sections, layers.UNIONS), own, layers.UNIONS)
    return model.of(Settings, stack, merged)


def operated(settings: Settings) -> Settings:
    """The stack on a cluster whose prometheus-operator measures it, with all that can be told it."""
    quiet = QuietHours(start="22:00", end="07:00", time_zone="Asia/Seoul")
    told = Receivers(slack=Slack(channel="#example-alerts"), email=EXAMPLE_MAIL)
    changed = {
        "enabled": True,
        "operator": True,
        "operator_labels": ("release=kube-prometheus-stack",),
        "receivers": told,
        "quiet_hours": quiet,
    }
    return settings.model_copy(update={"monitoring": settings.monitoring.model_copy(update=changed)})


def outputs() -> dict[Path, str]:
    """Every generated file and its text; nothing is written."""
    golden = {GOLDEN / name: text for environment in Environment for name, text in _golden(environment)}
    return {
        **golden,
        **_operated(),
        **_in_front(),
        **_from_the_model(),
        **_monitoring_pages(),
        **_pipelines(),
    }


def _pipelines() -> dict[Path, str]:
    """The example of docs/pipelines.md, by both providers."""
    return {
        PIPELINES / provider.value / name: text
        for provider in Provider
        for name, text in pipelines.files(chosen.planned((), PIPELINES / "stacks" / provider.value)).items()
    }


def _operated() -> dict[Path, str]:
    """One file for each object of the operator's kinds."""
    manifests = operator.manifests(operated(everything.of(profile(Environment.PROD))), "monitoring-auth")
    return {
        GOLDEN / "prod" / "operator" / f"{each['kind']}-{each['metadata']['name']}.yaml": plain.text(each)
        for each in manifests
    }


def in_front(settings: Settings) -> Settings:
    """The stack behind an nginx that reaches two nodes."""
    changed = {"type": ServiceType.NODE_PORT, "node_port": 30080, "trusted_proxies": ("10.0.0.0/24",)}
    way = Ingress(
        kind=IngressKind.NGINX,
        hosts=("ledger.example.com", "api.example.com"),
        nginx=Nginx(upstreams=("10.0.0.11:30080", "10.0.0.12:30080")),
    )
    service = settings.service.model_copy(update=changed)
    return settings.model_copy(update={"ingress": way, "service": service})


def _in_front() -> dict[Path, str]:
    """The nginx in front of the cluster."""
    return {GOLDEN / "prod" / "nginx" / nginx.FILE: nginx.text(in_front(profile(Environment.PROD)))}


def _monitoring_pages() -> dict[Path, str]:
    """Of stacks that together have every alert and every panel."""
    stacks = (everything.of(profile(Environment.PROD)), profile(Environment.SANDBOX))
    pages = {RUNBOOKS / name: text for name, text in runbooks.files(stacks).items()}
    return {**pages, ROOT / "docs" / "dashboards" / "README.md": dashboard_pages.text(stacks)}


def _from_the_model() -> dict[Path, str]:
    return {
        STACKS / "schema.json": schema.text(schema.stack()),
        STACKS / "profile.schema.json": schema.text(schema.profile()),
        STACKS / "reference.yaml": reference.text(),
        ROOT / "docs" / "configuration.md": configuration.text(),
        ROOT / "docker-compose.dev.yml": compose.text(local.settings()),
        ROOT / ".env.example": example.text(local.settings()),
        project.FILE: project.text(project.FILE.read_text(encoding="utf-8")),
    }


def _golden(environment: Environment) -> Iterator[tuple[str, str]]:
    settings = profile(environment)
    measured = settings.monitoring.enabled
    for product, files in (
        (
            "postgres",
            postgres.files(settings.postgres, more=archive.parameters(settings), monitored=measured),
        ),
        ("redis", redis.files(settings.redis)),
        ("backups", backups.files(settings)),
        ("network", policies.files(settings, _ranges(settings))),
        *(_monitoring(settings) if measured else []),
    ):
        yield from ((f"{environment}/{product}/{name}", text) for name, text in files.items())
    variables = service.environment(settings, "1.4.2")
    yield (
        f"{environment}/service/environment",
        "".join(f"{key}={value}\n" for key, value in variables.items()),
    )


def _ranges(settings: Settings) -> Ranges:
    return EXAMPLE_RANGES if settings.cluster.sandbox else Ranges()


def _monitoring(settings: Settings) -> list[tuple[str, dict[str, str]]]:
    node = EXAMPLE_NODE if settings.cluster.sandbox else None
    return [
        ("prometheus", {**prometheus.files(settings, node), **monitoring.start_script()}),
        ("alertmanager", alertmanager.files(settings)),
        ("dashboards", dashboards.files(settings)),
    ]


def main() -> None:
    """Write what differs and name it on stderr."""
    for path, text in outputs().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
