"""What a stack of two colours plans: alone, with a candidate, with the old colour kept."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from infra.names import selector_labels
from tests.infra.mocks import Built, built, settings

pytestmark = pytest.mark.unit
STACK = "ledger-staging"
OLD, NEW = "registry.example/team/service:1", "registry.example/team/service:2"
ROOMY = {"max_connections": 500, "resources": {"memory_request": "4Gi", "memory_limit": "4Gi"}}
COLOUR = "slipway.dev/colour"
TRIED = {"number": 3, "image": OLD, "candidate": NEW}
KEPT = {
    "number": 3,
    "active": "green",
    "image": NEW,
    "previous": OLD,
    "previous_until": "2026-11-28T13:00:00Z",
}

BACK = {"number": 3, "active": "blue", "image": OLD}


def stack(released: dict[str, Any] | None = None, **service: Any) -> Built:
    rollout = {"strategy": "blue-green"} | service.pop("rollout", {})
    return built(
        settings(
            STACK,
            service={"rollout": rollout, **service},
            released=released or {},
            images={"service": OLD},
            monitoring={"enabled": True},
            postgres=ROOMY,
        )
    )


def images(program: Built) -> dict[str, str]:
    """Deployment → image, of the service alone."""
    found = program.kind("Deployment").values()
    return {
        item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in found
        if item["metadata"]["labels"]["app.kubernetes.io/component"] == "service"
    }


def colour_of(program: Built, service: str) -> str | None:
    selector: dict[str, str] = program.kind("Service")[service]["spec"]["selector"]
    assert selector_labels("service").items() <= selector.items()
    return selector.get(COLOUR)


def test_the_first_release_is_blue_and_alone() -> None:
    program = stack()
    assert images(program) == {"service-blue": OLD}
    assert colour_of(program, "service-address") == "blue"
    assert "service-candidate" not in program.kind("Service")


def test_a_candidate_stands_beside_and_has_no_traffic() -> None:
    program = stack(TRIED)
    assert images(program) == {"service-blue": OLD, "service-green": NEW}
    assert colour_of(program, "service-address") == "blue"
    assert colour_of(program, "service-candidate") == "green"


def test_a_candidate_is_checked_before_anything_else_may_happen() -> None:
    program = stack(TRIED, release={"soak_seconds": 7, "checks_seconds": 20, "checks_per_second": 9})
    job = program.kind("Job")["service-checks-job"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert container["image"] == NEW
    assert container["command"][:4] == [
        "python",
        "-m",
        "app.smoke",
        "http://service-candidate.ledger-staging.svc:80",
    ]
    assert "--seconds 7 --checks-per-second 9" in " ".join(container["command"])
    assert "service-candidate" in program.awaited["service-checks-job"]
    assert job["backoffLimit"] == 0


def test_each_try_is_checked_anew() -> None:
    name = [
        stack(TRIED | {"number": number}).kind("Job")["service-checks-job"]["metadata"]["name"]
        for number in (3, 4)
    ]
    assert name[0] != name[1]


def test_the_flip_changes_where_the_service_leads_and_no_pod() -> None:
    before, after = stack(TRIED), stack(KEPT)
    assert colour_of(after, "service-address") == "green"
    assert images(after) == images(before)
    for colour in ("blue", "green"):
        name = f"service-{colour}-deployment"
        assert after.kind("Deployment")[name] == before.kind("Deployment")[name]


def test_migrations_come_before_the_pods_of_their_own_image() -> None:
    program = stack(TRIED)
    for colour, image in (("blue", OLD), ("green", NEW)):
        job = f"service-{colour}-migrate-job"
        (container,) = program.kind("Job")[job]["spec"]["template"]["spec"]["containers"]
        assert (container["image"], container["command"][-1]) == (image, "expand")
        assert job in program.awaited[f"service-{colour}-deployment"]


def test_on_the_way_back_the_traffic_waits_for_no_job() -> None:
    before, after = stack(KEPT).kind("Job"), stack(BACK)
    new = {name for name, job in after.kind("Job").items() if before.get(name) != job}
    assert new == {"service-contract-job"}
    assert "service-address" in after.awaited["service-contract-job"]


@pytest.mark.parametrize("released", [TRIED, KEPT], ids=["tried", "kept"])
def test_nothing_is_taken_from_the_schema_while_two_colours_read_it(released: dict[str, Any]) -> None:
    assert "service-contract-job" not in stack(released).kind("Job")


def test_the_schema_is_contracted_when_one_colour_is_left() -> None:
    program = stack({"number": 3, "active": "green", "image": NEW})
    (container,) = program.kind("Job")["service-contract-job"]["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["command"][-1]) == (NEW, "contract")
    assert "service-address" in program.awaited["service-contract-job"]


def test_each_colour_has_its_own_budget_and_autoscaler() -> None:
    program = stack(TRIED, autoscaling={"enabled": True, "min_replicas": 2, "max_replicas": 3})
    for colour in ("blue", "green"):
        budget = program.kind("PodDisruptionBudget")[f"service-{colour}-budget"]["spec"]
        assert budget["selector"]["matchLabels"][COLOUR] == colour
        scaler = program.kind("HorizontalPodAutoscaler")[f"service-{colour}-autoscaler"]["spec"]
        assert scaler["scaleTargetRef"]["name"] == f"service-{colour}"


def test_pods_of_both_colours_are_of_the_service_for_everybody_else() -> None:
    for deployment in stack(TRIED).kind("Deployment").values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        if COLOUR in labels:
            assert selector_labels("service").items() <= labels.items()


def test_a_candidate_is_measured_apart_from_what_users_see() -> None:
    program = stack(TRIED)
    config = yaml.safe_load(program.kind("ConfigMap")["prometheus-config"]["data"]["prometheus.yml"])
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    names = {service["metadata"]["name"] for service in program.kind("Service").values()}
    served, tried = (
        {name.partition(".")[0] for name in jobs[job]["dns_sd_configs"][0]["names"]} & names
        for job in ("service", "service-candidate")
    )
    assert (served, tried) == ({"service-blue-pods"}, {"service-candidate-green-pods"})
    renamed = jobs["service-candidate"]["metric_relabel_configs"][-1]
    assert renamed["replacement"] == "candidate_$1"


def test_what_is_flipped_is_found_among_what_users_see() -> None:
    names = {service["metadata"]["name"] for service in stack(KEPT).kind("Service").values()}
    assert {"service-blue-pods", "service-green-pods"} <= names
    assert not any("candidate" in name for name in names)


def test_a_rolling_stack_runs_what_was_released_last() -> None:
    program = stack({"number": 2, "image": NEW}, rollout={"strategy": "rolling"})
    assert images(program) == {"service": NEW}
    assert colour_of(program, "service-address") is None
