"""The whole program under mocks: what every pod, name and secret must be, in every environment."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.settings.stack import Environment
from tests.infra.mocks import SECRETS, Built, built, settings

pytestmark = pytest.mark.unit
STACKS = {Environment.SANDBOX: "sandbox", **{e: f"ledger-{e}" for e in Environment if e != "sandbox"}}
ON = {"enabled": True}
NODES_READER = "logs-collector-nodes"  # test_logs.py says what it is
OWNER_PASSWORD = next(value for name, value in SECRETS.items() if name == "postgresOwnerPassword")


@cache
def stack(environment: Environment) -> Built:
    backups = {**ON, "bucket": "ledger-backups"}
    return built(settings(STACKS[environment], backups=backups, monitoring=ON, logs=ON))


@pytest.fixture(params=Environment)
def program(request: pytest.FixtureRequest) -> Built:
    return stack(request.param)


def containers(program: Built) -> list[tuple[str, dict[str, Any]]]:
    return [(name, container) for name, pod in program.pods() for container in pod["containers"]]


def test_every_environment_declares_the_same_resources(program: Built) -> None:
    declared = {item.name for item in program.resources}
    assert declared == {item.name for item in stack(Environment.SANDBOX).resources}
    assert len(program.resources) == len(declared) == 118


def test_no_pod_runs_as_root_or_carries_a_token(program: Built) -> None:
    for name, pod in program.pods():
        assert pod["automountServiceAccountToken"] is False, name
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is (name != NODES_READER), name
        assert (security["runAsUser"] > 0) is (name != NODES_READER), name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert security["fsGroupChangePolicy"] == "OnRootMismatch", name


def test_no_container_can_gain_privileges_or_write_its_root(program: Built) -> None:
    for name, container in containers(program):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": name != NODES_READER,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_every_container_has_requests_and_a_memory_limit(program: Built) -> None:
    for name, container in containers(program):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
        assert "memory" in container["resources"]["limits"], name


def test_every_container_that_stays_has_all_three_probes(program: Built) -> None:
    for name, container in containers(program):
        if name not in program.ending:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container), name


def test_children_are_named_after_their_component(program: Built) -> None:
    components = {item.name for item in program.resources if item.typ.startswith("slipway:index:")}
    children = [item.name for item in program.resources if item.typ.startswith("kubernetes:")]
    assert components == {
        "stack", "postgres", "redis", "service", "object-store", "backups",
        "prometheus", "alertmanager", "exporters", "logs", "logs-collector", "logs-service", "logs-parts",
        "network", "logs-network", "priority",
    }  # fmt: skip
    assert [name for name in children if not name.startswith(tuple(f"{c}-" for c in components))] == []


def test_the_namespace_enforces_the_restricted_profile(program: Built) -> None:
    labels = program.kind("Namespace")["stack-namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_secret_stands_anywhere_but_in_a_secret(program: Built) -> None:
    for item in program.resources:
        if not item.typ.endswith(":Secret"):
            text = json.dumps(item.inputs, default=str)
            assert [value for value in SECRETS.values() if value in text] == [], item.name
    assert [value for value in SECRETS.values() if value in str(program.exports)] == []


def test_the_owner_of_the_database_is_known_to_migrations_and_backups_only(program: Built) -> None:
    holders = {
        name
        for name, inputs in program.kind("Secret").items()
        if OWNER_PASSWORD in json.dumps(inputs, default=str)
    }
    assert holders == {"postgres-auth", "service-migrate", "backups-addresses"}
    deployment = json.dumps(program.kind("Deployment"))
    for name in ("service-migrate", "backups-addresses"):
        assert program.kind("Secret")[name]["metadata"]["name"] not in deployment


def test_selectors_choose_exactly_the_pods_of_their_component(program: Built) -> None:
    for kind in ("Deployment", "StatefulSet"):
        for name, inputs in program.kind(kind).items():
            selector = inputs["spec"]["selector"]["matchLabels"]
            labels = inputs["spec"]["template"]["metadata"]["labels"]
            assert selector.items() <= labels.items(), name
    migration = program.kind("Job")["service-migrate-job"]["spec"]["template"]["metadata"]["labels"]
    service = program.kind("Service")["service-address"]["spec"]["selector"]
    assert not service.items() <= migration.items()


def test_a_rollout_never_goes_below_the_replicas_wanted(program: Built) -> None:
    strategy = program.kind("Deployment")["service-deployment"]["spec"]["strategy"]
    assert strategy["rollingUpdate"]["maxUnavailable"] == 0


def test_an_unchanged_program_names_everything_as_before() -> None:
    again = built(settings("sandbox", backups={"bucket": "ledger-backups"}))
    assert names(again) == names(stack(Environment.SANDBOX))


def names(program: Built) -> dict[str, Any]:
    return {
        item.name: item.inputs["metadata"].get("name")
        for item in program.resources
        if "metadata" in item.inputs
    }


def test_a_new_password_renames_its_secrets_and_runs_the_migrations_again() -> None:
    changed = {**SECRETS, **{name: "n" * 43 for name in SECRETS if name == "postgresOwnerPassword"}}
    before, after = names(built(settings("sandbox"))), names(built(settings("sandbox"), changed))
    assert {name for name in before if before[name] != after[name]} == {
        "postgres-auth",
        "service-migrate",
        "service-migrate-job",
        "service-contract-job",
        "backups-addresses",
        "exporters-postgres-auth",
    }


def test_a_setting_of_the_service_alone_runs_no_migration() -> None:
    wanted = settings("sandbox", service={"rate_limit": {"per_minute": 61}})
    before, after = names(built(settings("sandbox"))), names(built(wanted))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"service-environment", "backups-configuration"}, "what a full backup keeps of it"


def test_a_new_image_runs_the_migrations_before_the_rollout() -> None:
    wanted = settings("sandbox", images={"service": "localhost/slipway/service:other"})
    program = built(wanted)
    assert names(program)["service-migrate-job"] != names(stack(Environment.SANDBOX))["service-migrate-job"]
    order = [item.name for item in program.resources]
    assert order.index("service-migrate-job") < order.index("service-deployment")


def test_the_sandbox_answers_on_the_node_port() -> None:
    assert stack(Environment.SANDBOX).exports["url"] == "http://10.201.0.2:30080"
