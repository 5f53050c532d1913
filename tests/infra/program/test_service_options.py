"""What the keys autoscaling, min_available, ingress and modules plan, and what happens without them."""

from __future__ import annotations

from typing import Any

import pytest

from app import contract
from infra.render import service as render
from infra.settings.modules import BUNDLED
from infra.settings.secrets import OF_MODULES, SecretName
from tests.infra.mocks import SECRETS, Built, built, settings

pytestmark = pytest.mark.unit
STACK = "ledger-staging"
ROOMY = {"max_connections": 500, "resources": {"memory_request": "4Gi", "memory_limit": "4Gi"}}


def service(**keys: Any) -> Built:
    return built(settings(STACK, service=keys, postgres=ROOMY))


def ingress(**keys: Any) -> dict[str, Any]:
    return built(settings(STACK, ingress=keys)).kind("Ingress")["ingress-rules"]


def test_the_stack_file_decides_the_replicas_while_nothing_scales() -> None:
    program = service(replicas=4)
    deployment = program.kind("Deployment")["service-deployment"]
    assert deployment["spec"]["replicas"] == 4
    assert program.ignored["service-deployment"] == []
    assert program.kind("HorizontalPodAutoscaler") == {}


def test_the_replicas_are_taken_back_from_an_autoscaler_that_is_gone() -> None:
    metadata = service(replicas=4).kind("Deployment")["service-deployment"]["metadata"]
    assert metadata["annotations"] == {"pulumi.com/patchForce": "true"}


def test_an_autoscaled_deployment_says_nothing_about_replicas_and_keeps_those_that_run() -> None:
    program = service(autoscaling={"enabled": True, "min_replicas": 3, "max_replicas": 5})
    deployment = program.kind("Deployment")["service-deployment"]
    assert "replicas" not in deployment["spec"]
    assert program.ignored["service-deployment"] == ["spec.replicas"]
    assert "annotations" not in deployment["metadata"]


def test_the_autoscaler_scales_the_deployment_by_its_cpu() -> None:
    scaling = {"enabled": True, "min_replicas": 3, "max_replicas": 5, "cpu_percent": 60}
    program = service(autoscaling=scaling)
    deployment = program.kind("Deployment")["service-deployment"]
    spec = program.kind("HorizontalPodAutoscaler")["service-autoscaler"]["spec"]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"]}
    assert spec["scaleTargetRef"] == target
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 5)
    utilization = {"type": "Utilization", "averageUtilization": 60}
    assert spec["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}]


def test_without_a_least_number_one_pod_at_a_time_may_go() -> None:
    spec = service().kind("PodDisruptionBudget")["service-budget"]["spec"]
    assert (spec["maxUnavailable"], spec.get("minAvailable")) == (1, None)


def test_a_least_number_of_pods_replaces_the_largest_number_that_may_go() -> None:
    spec = service(replicas=4, min_available=3).kind("PodDisruptionBudget")["service-budget"]["spec"]
    assert (spec["minAvailable"], spec.get("maxUnavailable")) == (3, None)


def test_without_a_host_nothing_is_let_in() -> None:
    program = built(settings(STACK))
    assert program.kind("Ingress") == {}
    assert program.exports["url"] == "http://service.ledger-staging.svc"


def test_every_host_leads_to_the_services_port() -> None:
    hosts = ["a.example.com", "b.example.com"]
    program = built(settings(STACK, ingress={"hosts": hosts, "class_name": "nginx", "tls_secret": "own"}))
    spec = program.kind("Ingress")["ingress-rules"]["spec"]
    address = program.kind("Service")["service-address"]
    port = {"number": address["spec"]["ports"][0]["port"]}
    backend = {"service": {"name": address["metadata"]["name"], "port": port}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    assert spec["rules"] == [{"host": host, "http": {"paths": paths}} for host in hosts]
    assert spec["ingressClassName"] == "nginx"
    assert program.exports["url"] == "https://a.example.com"


def test_the_teams_own_certificate_serves_every_host() -> None:
    made = ingress(hosts=["a.example.com", "b.example.com"], tls_secret="own")
    assert made["spec"]["tls"] == [{"hosts": ["a.example.com", "b.example.com"], "secretName": "own"}]
    assert "cert-manager.io/cluster-issuer" not in made["metadata"]["annotations"]


def test_cert_manager_gets_a_secret_to_write_the_certificate_to() -> None:
    made = ingress(hosts=["a.example.com"], cluster_issuer="letsencrypt")
    assert made["spec"]["tls"] == [{"hosts": ["a.example.com"], "secretName": "ingress-tls"}]
    assert made["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "letsencrypt"


def test_without_a_certificate_the_address_says_http() -> None:
    program = built(settings(STACK, ingress={"hosts": ["a.example.com"]}))
    assert "tls" not in program.kind("Ingress")["ingress-rules"]["spec"]
    assert program.exports["url"] == "http://a.example.com"


def test_the_limits_are_in_the_words_of_both_controllers_that_are_made_of_nginx() -> None:
    limits = {"body_limit_megabytes": 12, "timeout_seconds": 30}
    assert ingress(hosts=["a.example.com"], **limits)["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/proxy-body-size": "12m",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "30",
        "nginx.org/client-max-body-size": "12m",
        "nginx.org/proxy-read-timeout": "30s",
    }


@pytest.mark.parametrize("modules", [["ledger"], ["assistant"]])
def test_a_modules_secret_is_there_with_its_module_only(modules: list[str]) -> None:
    keys = built(settings(STACK, modules=modules)).kind("Secret")["service-secrets"]["stringData"]["value"]
    held = {"OPENAI_API_KEY": SECRETS[SecretName.OPENAI_API_KEY]} if modules == ["assistant"] else {}
    assert {key: value for key, value in keys.items() if key.startswith("OPENAI")} == held


def test_a_modules_variables_are_there_with_the_module_only() -> None:
    without = render.environment(settings(STACK, modules=["support"]), "1")
    for module in sorted(BUNDLED):
        found = set(render.environment(settings(STACK, modules=[module]), "1")) - set(without)
        assert found == {variable.name for variable in contract.VARIABLES if variable.module == module}


@pytest.mark.parametrize("taken", [True, False])
def test_the_webhooks_secret_is_there_where_webhooks_are_taken_only(taken: bool) -> None:
    program = service(auth={"clerk_webhook": taken})
    keys = program.kind("Secret")["service-secrets"]["stringData"]["value"]
    assert keys.get("CLERK_WEBHOOK_SECRET") == (SECRETS[SecretName.CLERK_WEBHOOK_SECRET] if taken else None)


def test_spans_go_where_the_stack_says_and_nowhere_while_tracing_is_off() -> None:
    wanted = {"endpoint": "https://traces.example.com", "sample_ratio": 0.25}
    on = render.environment(settings(STACK, tracing={**wanted, "enabled": True}), "1.4.2")
    off = render.environment(settings(STACK, tracing=wanted), "1.4.2")
    assert on["OTEL_TRACES_SAMPLER_ARG"] == "0.25"
    assert off["OTEL_EXPORTER_OTLP_ENDPOINT"] == ""
    assert {key: value for key, value in on.items() if off[key] != value} == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://traces.example.com"
    }


def test_spans_say_whose_they_are_by_the_stacks_name() -> None:
    said = render.environment(settings("ledger-prod"), "1.4.2")
    assert (said["OTEL_SERVICE_NAME"], said["VERSION"]) == ("ledger", "1.4.2")
    assert "deployment.environment=prod" in said["OTEL_RESOURCE_ATTRIBUTES"].split(",")


@pytest.mark.parametrize("headers", [True, False])
def test_the_collectors_headers_are_a_secret_and_there_where_they_are_wanted_only(headers: bool) -> None:
    tracing = {"enabled": True, "endpoint": "https://traces.example.com", "headers": headers}
    program = built(settings(STACK, tracing=tracing))
    keys = program.kind("Secret")["service-secrets"]["stringData"]["value"]
    value = SECRETS[SecretName.OTLP_HEADERS]
    assert keys.get("OTEL_EXPORTER_OTLP_HEADERS") == (value if headers else None)
    assert value not in str(program.kind("ConfigMap"))


def test_every_secret_of_a_module_that_is_not_bundled_has_a_variable_of_its_own() -> None:
    apart = {name for module, names in OF_MODULES.items() if module not in BUNDLED for name in names}
    assert set(render.MODULE_SECRET_VARIABLES) == apart
    known = {variable.name for variable in contract.VARIABLES}
    assert known.isdisjoint(render.MODULE_SECRET_VARIABLES.values())
