"""Grafana under mocks: locked down like every pod, its secrets in a Secret alone, its data from the stack."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml

from infra import images
from infra.render import grafana as render
from infra.settings.secrets import SecretName
from tests.infra.mocks import SECRETS, Built, built, settings

pytestmark = pytest.mark.unit
HOST = "grafana.example.com"
OIDC = {
    "client_id": "grafana",
    "auth_url": "https://id.example.com/authorize",
    "token_url": "https://id.example.com/token",
    "api_url": "https://id.example.com/userinfo",
    "admin_group": "platform",
}
WHOLE = {"enabled": True, "host": HOST, "tls_secret": "grafana-tls", "oidc": OIDC}
KEPT = {SecretName.GRAFANA_ADMIN_PASSWORD, SecretName.GRAFANA_CLIENT_SECRET}


@cache
def whole() -> Built:
    """With a host and a provider."""
    return built(settings("ledger-prod", monitoring={"grafana": WHOLE}))


@cache
def plain() -> Built:
    """With nothing but itself."""
    return built(settings("ledger-prod", monitoring={"grafana": {"enabled": True}}))


def pod(made: Built) -> dict[str, Any]:
    spec: dict[str, Any] = made.kind("Deployment")["grafana-server"]["spec"]["template"]["spec"]
    return spec


def variables(made: Built) -> dict[str, str]:
    return {row["name"]: row["value"] for row in pod(made)["containers"][0]["env"]}


def files(made: Built, part: str) -> dict[str, str]:
    data: dict[str, str] = made.kind("ConfigMap")[f"grafana-{part}"]["data"]
    return data


def test_a_stack_without_grafana_has_nothing_of_it() -> None:
    made = built(settings("ledger-prod"))
    assert "grafana" not in made.exports
    assert not [item.name for item in made.resources if "grafana" in item.name]
    assert not KEPT & settings("ledger-prod").secret_names


def test_its_pod_may_do_nothing_and_writes_nowhere_but_in_its_own_folders() -> None:
    spec = pod(whole())
    (container,) = spec["containers"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
    assert set(container["resources"]["limits"]) >= {"memory"}
    writable = {each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")}
    assert writable == {render.DATA, "/tmp"}  # noqa: S108  the container's own
    assert container["image"] == str(images.GRAFANA)


def test_nobody_gets_in_without_a_name_and_nobody_signs_up() -> None:
    for made in (whole(), plain()):
        found = variables(made)
        assert found["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
        assert found["GF_USERS_ALLOW_SIGN_UP"] == "false"
        assert found["GF_USERS_AUTO_ASSIGN_ORG_ROLE"] == "Viewer"
    assert variables(plain())["GF_AUTH_GENERIC_OAUTH_ENABLED"] == "false"


def test_with_a_provider_it_alone_says_who_somebody_is() -> None:
    found = variables(whole())
    assert found["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert found["GF_AUTH_BASIC_ENABLED"] == "false"
    assert found["GF_AUTH_GENERIC_OAUTH_USE_PKCE"] == "true"
    assert found["GF_AUTH_GENERIC_OAUTH_CLIENT_ID"] == "grafana"
    assert found["GF_AUTH_GENERIC_OAUTH_AUTH_URL"] == OIDC["auth_url"]
    assert found["GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_PATH"] == (
        "contains(groups[*], 'platform') && 'Admin' || 'Viewer'"
    )
    assert found["GF_SERVER_ROOT_URL"] == f"https://{HOST}/"
    assert found["GF_SECURITY_COOKIE_SECURE"] == "true"


def test_secrets_are_files_of_a_secret_and_stand_nowhere_else() -> None:
    made = whole()
    found = variables(made)
    assert found["GF_SECURITY_ADMIN_PASSWORD"] == "$__file{/run/slipway/grafana/grafanaAdminPassword}"
    assert found["GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET"] == "$__file{/run/slipway/grafana/grafanaClientSecret}"
    held = made.kind("Secret")["grafana-auth"]["stringData"]["value"]
    assert set(held) == {*(name.value for name in KEPT), render.SIGNING_KEY}
    assert held[render.SIGNING_KEY] not in {held[name.value] for name in KEPT}
    assert len(held[render.SIGNING_KEY]) == 43
    others = [item.inputs for item in made.resources if not item.name.startswith("grafana-auth")]
    text = json.dumps(others, default=str)
    assert not [name for name in KEPT if SECRETS[name] in text]


def test_its_data_sources_are_the_stacks_own_and_nobody_changes_them() -> None:
    sources = yaml.safe_load(files(whole(), "sources")["slipway.yaml"])["datasources"]
    assert [each["url"] for each in sources] == [
        "http://prometheus.ledger-prod.svc:9090",
        "http://alertmanager.ledger-prod.svc:9093",
    ]
    assert not any(each["editable"] for each in sources)
    assert sources[0]["jsonData"]["timeInterval"] == "15s"


def test_its_dashboards_are_the_catalogues_and_fit_one_config_map() -> None:
    boards = files(whole(), "dashboards")
    assert {"service.json", "postgres.json", "slo.json"} <= set(boards)
    assert sum(map(len, boards.values())) < 1_000_000
    (provider,) = yaml.safe_load(files(whole(), "provider")["slipway.yaml"])["providers"]
    assert provider["options"]["path"] == render.DASHBOARDS
    assert provider["allowUiUpdates"] is False
    mounts = {row["name"]: row["mountPath"] for row in pod(whole())["containers"][0]["volumeMounts"]}
    assert mounts["dashboards"] == render.DASHBOARDS
    home = variables(whole())["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{render.DASHBOARDS}/service.json"


def test_a_host_leads_to_it_over_tls() -> None:
    made = whole()
    (ingress,) = [each for name, each in made.kind("Ingress").items() if name.startswith("grafana")]
    (rule,) = ingress["spec"]["rules"]
    assert rule["host"] == HOST
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "grafana", "port": {"number": render.PORT}}
    assert ingress["spec"]["tls"] == [{"hosts": [HOST], "secretName": "grafana-tls"}]
    assert made.exports["grafana"] == f"https://{HOST}"


def test_without_a_host_it_is_reached_inside_the_cluster() -> None:
    assert [name for name in plain().kind("Ingress") if name.startswith("grafana")] == []
    assert plain().exports["grafana"] == "http://grafana.ledger-prod.svc:3000"
