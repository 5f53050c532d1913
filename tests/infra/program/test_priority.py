"""Which pods go first where a node is full, by the PriorityClasses that a stack makes."""

from __future__ import annotations

import pytest

from tests.infra.mocks import Built, built, settings

pytestmark = pytest.mark.unit
DATA, SERVICE = "sandbox-data", "sandbox-service"


def stack(**sections: object) -> Built:
    return built(settings("sandbox", **sections))


def by_pod(found: Built) -> dict[str, str | None]:
    """Name of each workload → the class of its pods."""
    return {name: pod.get("priorityClassName") for name, pod in found.pods()}


def test_databases_go_before_the_service_and_both_before_jobs_and_measuring() -> None:
    found = stack()
    values = {item["metadata"]["name"]: item["value"] for item in found.kind("PriorityClass").values()}
    assert values[DATA] > values[SERVICE] > 0
    pods = by_pod(found)
    assert {name for name, level in pods.items() if level == DATA} == {"postgres-set", "redis-set"}
    of_service = {name for name, level in pods.items() if level == SERVICE}
    assert "service-deployment" in of_service
    assert all(name.startswith("service-") for name in of_service)
    others = [name for name, level in pods.items() if level is None]
    assert {"backups-database", "prometheus-set", "exporters-redis"} <= set(others)


def test_a_release_does_not_wait_behind_what_its_service_goes_before() -> None:
    migrations = {name: level for name, level in by_pod(stack()).items() if "migrate" in name}
    assert migrations
    assert set(migrations.values()) == {SERVICE}


def test_the_classes_are_there_before_the_pods_that_name_them() -> None:
    awaited = stack().awaited
    assert "priority-data" in awaited["postgres-set"]
    assert "priority-service" in awaited["service-deployment"]


def test_where_nobody_may_make_classes_no_pod_names_one() -> None:
    found = stack(cluster={"priority_classes": False})
    assert found.kind("PriorityClass") == {}
    assert set(by_pod(found).values()) == {None}
