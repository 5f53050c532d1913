"""The teams' stack files: each checks, builds, and plans what the team said of its service."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Any

import pytest
import yaml

from infra.paths import ROOT
from infra.settings import check, layers
from infra.settings.model import Settings
from infra.settings.secrets import SecretName
from infra.settings.stack import Environment
from tests.infra.mocks import Built, built

pytestmark = pytest.mark.unit
FOLDER = ROOT / "stacks"
TEAMS = ("coupang-cs", "endy", "household-ledger", "storebridge", "uvis")
ENVIRONMENTS = (Environment.DEV, Environment.STAGING, Environment.PROD)
STACKS = [f"{team}-{environment}" for team in TEAMS for environment in ENVIRONMENTS]
SCHEMA_LINE = "# yaml-language-server: $schema=./schema.json"

COUPANG = {
    "modules": "support",
    "image": "registry.example/coupang-cs/backend:1.0.0",
    "database": "coupang_cs",
}
COUPANG_RATES = {"per_minute": 60, "per_hour": 1000, "per_day": 10_000}
UVIS = {"modules": "dispatch", "image": "uvis/backend:1.0.0", "database": "uvis_db"}
UVIS_RATES = {"per_minute": 60, "per_hour": 3600, "per_day": 86_400}
LEDGER = {"modules": "ledger", "database": "household_ledger", "namespace": "household-ledger"}
LEDGER_IMAGE = {"image": "registry.example/household-api:1.0.0", "replicas": 2, "hosts": []}
ENDY = {"modules": "assistant", "image": "encar/copilot:2.1.0", "database": "endy"}
ENDY_TRIAL = {"per_minute": 10, "per_hour": 100, "per_day": 1000}
ENDY_SIZE = {
    "requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}
}  # fmt: skip
STOREBRIDGE = {
    "modules": "catalog", "image": "registry.example/storebridge/service:1.0.0", "database": "storebridge",
    "limits": {"cpu": "4", "memory": "1Gi"},
}  # fmt: skip
DEV = {
    "environment": "development",
    "log_level": "DEBUG",
    "origins": ["http://localhost:3000"],
    "replicas": 1,
}
STAGING = {"environment": "staging", "log_level": "INFO", "replicas": 2, "pool": (10, 20)}
PROD = {"environment": "production", "pool": (20, 40)}
FACTS: dict[str, dict[str, Any]] = {
    "coupang-cs-dev": {**DEV, **COUPANG},
    "coupang-cs-staging": {**STAGING, **COUPANG, **COUPANG_RATES, "hosts": []},
    "coupang-cs-prod": {**PROD, **COUPANG, **COUPANG_RATES, "hosts": [], "replicas": 3},
    "uvis-dev": {**DEV, **UVIS},
    "uvis-staging": {**STAGING, **UVIS, **UVIS_RATES, "hosts": ["staging.uvis.example.com"]},
    "uvis-prod": {
        **PROD, **UVIS, **UVIS_RATES,
        "hosts": ["uvis.example.com"], "url": "https://uvis.example.com", "autoscaled": (4, 8),
        "replicas": None, "min_available": 3, "pool_seconds": (30, 3600), "max_connections": 600,
        "progress_deadline": 300,
    },
    "household-ledger-dev": {**DEV, **LEDGER, "node_port": 30081},
    "household-ledger-staging": {**STAGING, **LEDGER, **LEDGER_IMAGE},
    "household-ledger-prod": {**PROD, **LEDGER, **LEDGER_IMAGE},
    "endy-dev": {**DEV, **ENDY, **ENDY_TRIAL},
    "endy-staging": {
        **STAGING, **ENDY, **ENDY_TRIAL, **ENDY_SIZE,
        "origins": ["https://endy.encar.com", "https://encar.com"],
    },
    "endy-prod": {
        **PROD, **ENDY, **ENDY_SIZE,
        "per_minute": 20, "per_hour": 200, "per_day": 2000, "log_level": "WARNING", "replicas": 2,
        "origins": ["https://endy.encar.com"], "hosts": ["endy.encar.com"], "url": "https://endy.encar.com",
        "body_limit": "1m",
    },
    "storebridge-dev": {**DEV, **STOREBRIDGE},
    "storebridge-staging": {**STAGING, **STOREBRIDGE, "hosts": []},
    "storebridge-prod": {**PROD, **STOREBRIDGE, "hosts": [], "replicas": 3},
}  # fmt: skip


@cache
def loaded(stack: str) -> Settings:
    return check.load(stack, FOLDER)


@cache
def program(stack: str) -> Built:
    return built(loaded(stack))


def first(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The inputs of the only resource of a kind; empty where there is none."""
    return next(iter(found.values()), {})


def planned(made: Built) -> dict[str, Any]:
    """What the planned resources say, under the words of the table."""
    variables = made.kind("ConfigMap")["service-environment"]["data"]
    deployment = made.kind("Deployment")["service-deployment"]["spec"]
    container = deployment["template"]["spec"]["containers"][0]
    database = made.kind("Secret")["service-secrets"]["stringData"]["value"]["DATABASE_URL"]
    config = made.kind("ConfigMap")["postgres-config"]["data"]["postgresql.conf"]
    connections = re.search(r"^max_connections = (\d+)$", config, re.MULTILINE)
    assert connections is not None
    return {
        **_outside(made),
        "namespace": made.kind("Namespace")["stack-namespace"]["metadata"]["name"],
        "image": container["image"],
        "limits": container["resources"]["limits"],
        "requests": container["resources"]["requests"],
        "replicas": deployment.get("replicas"),
        "progress_deadline": deployment["progressDeadlineSeconds"],
        "database": database.rpartition("/")[2],
        "max_connections": int(connections[1]),
        "modules": variables["MODULES"],
        "environment": variables["ENVIRONMENT"],
        "log_level": variables["LOG_LEVEL"],
        "origins": [origin for origin in variables["ALLOWED_ORIGINS"].split(",") if origin],
        "per_minute": int(variables["RATE_LIMIT_PER_MINUTE"]),
        "per_hour": int(variables["RATE_LIMIT_PER_HOUR"]),
        "per_day": int(variables["RATE_LIMIT_PER_DAY"]),
        "pool": (int(variables["DATABASE_POOL_SIZE"]), int(variables["DATABASE_MAX_OVERFLOW"])),
        "pool_seconds": (int(variables["DATABASE_POOL_TIMEOUT"]), int(variables["DATABASE_POOL_RECYCLE"])),
    }


def _outside(made: Built) -> dict[str, Any]:
    ingress, scaler = first(made.kind("Ingress")), first(made.kind("HorizontalPodAutoscaler"))
    budget = first(made.kind("PodDisruptionBudget"))["spec"]
    scaled = scaler.get("spec", {})
    limit = "nginx.ingress.kubernetes.io/proxy-body-size"
    return {
        "url": made.exports["url"],
        "hosts": [rule["host"] for rule in ingress.get("spec", {}).get("rules", [])],
        "body_limit": ingress.get("metadata", {}).get("annotations", {}).get(limit),
        "autoscaled": (scaled.get("minReplicas"), scaled.get("maxReplicas")),
        "min_available": budget.get("minAvailable"),
        "node_port": made.kind("Service")["service-address"]["spec"]["ports"][0].get("nodePort"),
    }


def test_every_team_has_three_environments_and_every_stack_its_facts() -> None:
    assert sorted(FACTS) == sorted(STACKS)


@pytest.mark.parametrize("stack", STACKS)
def test_a_team_stack_has_no_problem(stack: str) -> None:
    assert check.examine(stack, FOLDER).errors == ()


@pytest.mark.parametrize("stack", STACKS)
def test_a_team_stack_is_short_and_names_the_schema(stack: str) -> None:
    lines = layers.stack_file(stack, FOLDER).read_text(encoding="utf-8").splitlines()
    assert lines[0] == SCHEMA_LINE
    assert 10 <= len(lines) <= 25


@pytest.mark.parametrize("stack", STACKS)
def test_a_team_stack_holds_the_secrets_it_needs_and_no_other(stack: str) -> None:
    config = yaml.safe_load(layers.stack_file(stack, FOLDER).read_text(encoding="utf-8"))["config"]
    wanted = {name.value for name in loaded(stack).secret_names}
    assert set(config["slipway:secrets"]) == set(config["slipway:rotated"]) == wanted
    assert (SecretName.OPENAI_API_KEY in wanted) is stack.startswith("endy-")


@pytest.mark.parametrize("stack", STACKS)
def test_the_planned_resources_say_what_the_team_said(stack: str) -> None:
    said = planned(program(stack))
    assert {fact: said[fact] for fact in FACTS[stack]} == FACTS[stack]


def test_no_two_stacks_share_a_namespace_on_one_cluster() -> None:
    places: Counter[tuple[str, str]] = Counter()
    for stack in STACKS:
        cluster = loaded(stack).cluster
        places[cluster.context or cluster.name, loaded(stack).namespace_name] += 1
    assert [place for place, stacks in places.items() if stacks > 1] == []


def test_no_environment_shares_its_cluster_with_another() -> None:
    contexts = [cluster.context for stack in STACKS if (cluster := loaded(stack).cluster).context]
    assert len(set(contexts)) == len(contexts)


def test_the_dispatch_teams_backups_are_as_they_were() -> None:
    backups = loaded("uvis-prod").backups
    assert (backups.enabled, backups.bucket, backups.retention_days) == (True, "uvis-backups", 30)
    assert (backups.schedule, backups.full_schedule) == ("0 3 * * *", "0 4 * * 0")
    assert backups.time_zone == "Asia/Seoul"
