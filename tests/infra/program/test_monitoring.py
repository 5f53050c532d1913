"""What measures a stack, under mocks: least rights, no secret outside Secrets, bounds on every container."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.render import monitoring, prometheus
from infra.render.monitoring_keys import monitor_password
from infra.settings.secrets import SecretName
from tests.infra.mocks import SECRETS, Built, built, settings

pytestmark = pytest.mark.unit
METERS = {
    "prometheus", "alertmanager", "postgres-exporter", "redis-exporter", "node-exporter",
    "kube-state-metrics",
}  # fmt: skip
TOLD = {
    "slack": {"channel": "#alerts"},
    "email": {"to": ["a@example.com"], "sender": "b@example.com", "smarthost": "smtp.example.com:587"},
}
KINDS = ("Deployment", "StatefulSet", "DaemonSet")


@cache
def sandbox() -> Built:
    return built(settings("sandbox"))


@cache
def production() -> Built:
    return built(settings("ledger-prod", monitoring={"receivers": TOLD}))


@pytest.fixture(params=[sandbox, production])
def program(request: pytest.FixtureRequest) -> Built:
    made: Built = request.param()
    return made


def meters(made: Built) -> dict[str, dict[str, Any]]:
    """The pods that measure, by their part."""
    found = {}
    for kind in KINDS:
        for inputs in made.kind(kind).values():
            template = inputs["spec"]["template"]
            part = template["metadata"]["labels"]["app.kubernetes.io/component"]
            found[part] = template["spec"]
    return {part: spec for part, spec in found.items() if part in METERS}


def rules(made: Built, kind: str) -> dict[str, list[dict[str, Any]]]:
    return {inputs["metadata"]["name"]: inputs["rules"] for inputs in made.kind(kind).values()}


def granted(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """(verb, resource) of the rules."""
    return {
        (verb, resource)
        for row in rows
        for verb in row["verbs"]
        for resource in (*row.get("resources", ()), *row.get("nonResourceURLs", ()))
    }


def test_every_part_has_one_pod_of_its_own(program: Built) -> None:
    assert set(meters(program)) == METERS


def test_a_stack_that_is_not_measured_has_nothing_of_it() -> None:
    made = built(settings("ledger-dev"))
    assert meters(made) == {}
    assert made.kind("ClusterRole") == {}
    assert {"prometheus", "alertmanager"} & set(made.exports) == set()
    assert "monitor" not in json.dumps([item.inputs for item in made.resources], default=str)


def test_prometheus_may_read_figures_and_nothing_that_stands_in_the_cluster() -> None:
    roles = rules(sandbox(), "ClusterRole")
    assert granted(roles["sandbox-prometheus"]) == {("get", "nodes/metrics"), ("get", "/metrics")}
    elsewhere = rules(production(), "ClusterRole")["ledger-prod-prometheus"]
    assert granted(elsewhere) == {
        ("get", "nodes/metrics"), ("get", "nodes"), ("list", "nodes"), ("watch", "nodes"),
    }  # fmt: skip


def test_who_counts_objects_sees_those_of_the_stack_and_no_secret(program: Built) -> None:
    inside = granted(rules(program, "Role")["kube-state-metrics"])
    assert {verb for verb, _ in inside} == {"list", "watch"}
    assert {kind for _, kind in inside} == {kind for kinds in monitoring.OBJECTS.values() for kind in kinds}
    assert not {"secrets", "configmaps"} & {kind for _, kind in inside}
    outside = [rows for name, rows in rules(program, "ClusterRole").items() if "state" in name]
    assert [granted(rows) for rows in outside] == [{("list", "nodes"), ("watch", "nodes")}]


def test_no_rule_has_a_wildcard_or_a_verb_that_changes_anything(program: Built) -> None:
    for kind in ("Role", "ClusterRole"):
        for name, rows in rules(program, kind).items():
            assert {verb for verb, _ in granted(rows)} <= {"get", "list", "watch"}, name
            assert "*" not in json.dumps(rows), name


def test_only_who_asks_the_api_server_holds_a_token(program: Built) -> None:
    holders = {
        name
        for name, pod in program.pods()
        if any("projected" in volume for volume in pod.get("volumes", ()))
    }
    assert holders == {"prometheus-set", "exporters-objects", "logs-collector-nodes"}
    named = {part for part, spec in meters(program).items() if spec.get("serviceAccountName")}
    assert named == {"prometheus", "kube-state-metrics"}
    for account in program.kind("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


def test_a_binding_binds_the_account_of_its_own_part(program: Built) -> None:
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for inputs in program.kind(kind).values():
            (subject,) = inputs["subjects"]
            assert inputs["roleRef"]["name"].endswith(subject["name"])
            assert subject["kind"] == "ServiceAccount"


def test_no_pod_that_measures_sees_the_node_or_gains_a_privilege(program: Built) -> None:
    for part, spec in meters(program).items():
        text = json.dumps(spec)
        assert "hostPath" not in text, part
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), part
        assert spec["securityContext"]["runAsUser"] == 65534, part
        for container in spec["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, part
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, part
            assert "memory" in container["resources"]["limits"], part


def test_port_names_have_fifteen_characters_at_most(program: Built) -> None:
    for part, spec in meters(program).items():
        (port,) = spec["containers"][0]["ports"]
        assert len(port["name"]) <= 15, part
        assert port["containerPort"] == monitoring.PORTS[part]


def test_receivers_secrets_stand_in_a_secret_that_alertmanager_alone_mounts() -> None:
    made = production()
    values = [SECRETS[SecretName.SLACK_WEBHOOK_URL], SECRETS[SecretName.SMTP_PASSWORD]]
    holders = [
        item.name for item in made.resources if any(v in json.dumps(item.inputs, default=str) for v in values)
    ]
    assert holders == ["alertmanager-auth"]
    name = made.kind("Secret")["alertmanager-auth"]["metadata"]["name"]
    assert [pod for pod, spec in made.pods() if name in json.dumps(spec)] == ["alertmanager-set"]
    assert "alertmanager-auth" not in sandbox().kind("Secret")


def test_an_exporter_holds_a_password_of_its_own_and_not_the_one_it_is_made_of(program: Built) -> None:
    owner, cache_word = SECRETS[SecretName.POSTGRES_OWNER_PASSWORD], SECRETS[SecretName.REDIS_PASSWORD]
    for name, word in (("exporters-postgres-auth", owner), ("exporters-redis-auth", cache_word)):
        text = json.dumps(program.kind("Secret")[name]["stringData"]["value"])
        assert monitor_password(word) in text, name
        assert word not in text, name
    for item in program.resources:
        if not item.typ.endswith(":Secret"):
            text = json.dumps(item.inputs, default=str)
            assert monitor_password(owner) not in text, item.name
            assert monitor_password(cache_word) not in text, item.name


def test_every_target_of_prometheus_is_a_service_of_the_stack(program: Built) -> None:
    config = json.loads(json.dumps(program.kind("ConfigMap")["prometheus-config"]["data"]))
    import yaml

    services = {
        f"{inputs['metadata']['name']}.{inputs['metadata']['namespace']}.svc": {
            port["port"] for port in inputs["spec"]["ports"]
        }
        for inputs in program.kind("Service").values()
    }
    namespace = program.exports["namespace"]
    for job in yaml.safe_load(config["prometheus.yml"])["scrape_configs"]:
        for found in job.get("dns_sd_configs", ()):
            assert found["port"] in services[found["names"][0]], job["job_name"]
        for found in job.get("static_configs", ()):
            host, _, port = found["targets"][0].rpartition(":")
            if host.endswith(f".{namespace}.svc"):
                assert int(port) in services[host], job["job_name"]
            else:
                assert job["job_name"] in {"kubelet", "cadvisor", "resource", "apiserver", "coredns"}


def test_the_service_is_found_pod_by_pod_also_while_a_pod_is_not_ready(program: Built) -> None:
    pods = program.kind("Service")["exporters-service-pods"]["spec"]
    labels = program.kind("Deployment")["service-deployment"]["spec"]["template"]["metadata"]["labels"]
    assert pods["clusterIP"] == "None"
    assert pods["publishNotReadyAddresses"] is True
    assert pods["selector"].items() <= labels.items()


def test_the_node_exporter_runs_on_every_node(program: Built) -> None:
    spec = program.kind("DaemonSet")["exporters-nodes"]["spec"]["template"]["spec"]
    assert spec["tolerations"] == [{"operator": "Exists"}]


def test_a_changed_rule_changes_a_file_and_restarts_nothing() -> None:
    later = built(settings("sandbox", monitoring={"scrape_interval_seconds": 30}))
    measures = ("prometheus", "alertmanager", "exporters")
    before = {item.name: item.inputs for item in sandbox().resources}
    after = {item.name: item.inputs for item in later.resources}
    assert before.keys() == after.keys()
    differing = {name for name in after if before[name] != after[name]}
    assert {name for name in differing if name.startswith(measures)} == {
        "prometheus-config",
        "alertmanager-watcher",
    }
    assert "immutable" not in later.kind("ConfigMap")["prometheus-config"]
    (provider,) = [item for item in later.resources if item.typ == "pulumi:providers:kubernetes"]
    assert json.loads(provider.inputs["enableConfigMapMutable"]) is True


def test_the_addresses_are_exported(program: Built) -> None:
    namespace = program.exports["namespace"]
    assert program.exports["prometheus"] == f"http://prometheus.{namespace}.svc:9090"
    assert program.exports["alertmanager"] == f"http://alertmanager.{namespace}.svc:9093"
    assert set(program.exports["images"]) >= METERS


def test_a_new_password_of_the_database_renames_its_exporters_too() -> None:
    changed = {**SECRETS, SecretName.REDIS_PASSWORD: "n" * 43}
    before, after = (
        {item.name: item.inputs.get("metadata", {}).get("name") for item in made.resources}
        for made in (sandbox(), built(settings("sandbox"), changed))
    )
    assert {name for name in before if before[name] != after[name]} >= {"exporters-redis-auth", "redis-users"}


def test_alerts_are_rendered_for_what_the_stack_has() -> None:
    rendered = sandbox().kind("ConfigMap")["prometheus-config"]["data"][prometheus.RULES]
    assert "BackupTooOld" in rendered
    none = built(settings("sandbox", backups={"enabled": False}))
    assert "Backup" not in none.kind("ConfigMap")["prometheus-config"]["data"][prometheus.RULES]
