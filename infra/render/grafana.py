"""Grafana's configuration, data sources and dashboards, all by provisioning: nothing is clicked together.

Its variables are GF_<SECTION>_<KEY> (grafana.com, "Configure Grafana"); a value ``$__file{path}`` is read
from there as it starts.
"""

from __future__ import annotations

import json
from typing import Any

from infra.render import dashboards, links, monitoring, plain
from infra.settings.grafana import Grafana
from infra.settings.model import Settings
from infra.settings.secrets import SecretName

NAME, PORT = monitoring.GRAFANA, monitoring.GRAFANA_PORT
PROGRAM = "/usr/share/grafana/bin/grafana"
HOME = "/usr/share/grafana"
DATA = "/var/lib/grafana"
PROVISIONING = "/etc/slipway/provisioning"
DASHBOARDS = "/etc/slipway/dashboards"
SECRETS = "/run/slipway/grafana"
SIGNING_KEY = "secret_key"  # with which Grafana encrypts what it stores; its default is known to everybody
REFRESH_SECONDS = 30  # between two looks at the dashboards' files
PROMETHEUS_UID, ALERTMANAGER_UID = "prometheus", "alertmanager"


def command() -> tuple[str, ...]:
    """The server itself, without the image's start script, which writes into its own folders."""
    return (PROGRAM, "server", f"--homepath={HOME}")


def environment(settings: Settings) -> dict[str, str]:
    """Variables of Grafana 11: no anonymous, no sign-up, nothing fetched from or told to anybody."""
    grafana = settings.monitoring.grafana
    root = links.grafana(settings)
    secure = bool(root and root.startswith("https://"))
    values = {
        "SERVER_HTTP_PORT": str(PORT),
        "SERVER_ROOT_URL": f"{root or f'http://localhost:{PORT}'}/",
        "PATHS_DATA": DATA,
        "PATHS_LOGS": f"{DATA}/log",
        "PATHS_PLUGINS": f"{DATA}/plugins",
        "PATHS_PROVISIONING": PROVISIONING,
        "LOG_MODE": "console",
        "LOG_CONSOLE_FORMAT": "json",
        "SECURITY_ADMIN_USER": "admin",
        "SECURITY_ADMIN_PASSWORD": _file(SecretName.GRAFANA_ADMIN_PASSWORD.value),
        "SECURITY_SECRET_KEY": _file(SIGNING_KEY),
        "SECURITY_COOKIE_SECURE": _word(secure),
        "SECURITY_COOKIE_SAMESITE": "lax",
        "SECURITY_STRICT_TRANSPORT_SECURITY": _word(secure),
        "SECURITY_CONTENT_SECURITY_POLICY": "true",
        "SECURITY_DISABLE_GRAVATAR": "true",
        "USERS_ALLOW_SIGN_UP": "false",
        "USERS_ALLOW_ORG_CREATE": "false",
        "USERS_AUTO_ASSIGN_ORG_ROLE": "Viewer",
        "AUTH_ANONYMOUS_ENABLED": "false",
        "UNIFIED_ALERTING_ENABLED": "false",  # alerts are Prometheus' own
        "SNAPSHOTS_EXTERNAL_ENABLED": "false",
        "PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
        "PLUGINS_PREINSTALL_DISABLED": "true",
        "ANALYTICS_REPORTING_ENABLED": "false",
        "ANALYTICS_CHECK_FOR_UPDATES": "false",
        "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "NEWS_NEWS_FEED_ENABLED": "false",
        "DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"{DASHBOARDS}/service.json",
        **_login(grafana),
    }
    return {f"GF_{name}": value for name, value in values.items()}


def _login(grafana: Grafana) -> dict[str, str]:
    """With a provider it alone says who somebody is: no form, and no password over the API."""
    oidc = grafana.oidc
    if not oidc.client_id:
        return {"AUTH_GENERIC_OAUTH_ENABLED": "false"}
    admins = f"contains(groups[*], '{oidc.admin_group}') && 'Admin' || 'Viewer'"
    values = {
        "ENABLED": "true",
        "CLIENT_ID": oidc.client_id,
        "CLIENT_SECRET": _file(SecretName.GRAFANA_CLIENT_SECRET.value),
        "SCOPES": oidc.scopes,
        "AUTH_URL": oidc.auth_url or "",
        "TOKEN_URL": oidc.token_url or "",
        "API_URL": oidc.api_url or "",
        "USE_PKCE": "true",
        # Whom the provider knows may look; the form by which anybody signs up is another switch, and off.
        "ALLOW_SIGN_UP": "true",
        "ROLE_ATTRIBUTE_PATH": admins if oidc.admin_group else "'Viewer'",
        "ALLOW_ASSIGN_GRAFANA_ADMIN": "false",
    }
    made = {f"AUTH_GENERIC_OAUTH_{name}": value for name, value in values.items()}
    return {
        **made,
        "AUTH_DISABLE_LOGIN_FORM": "true",
        "AUTH_BASIC_ENABLED": "false",
        "AUTH_OAUTH_AUTO_LOGIN": "true",
    }


def data_sources(settings: Settings) -> str:
    """Prometheus and Alertmanager inside the cluster; nobody changes them by hand."""
    seconds = settings.monitoring.scrape_interval_seconds
    return plain.text(
        {
            "apiVersion": 1,
            "datasources": [
                {
                    **_source("Prometheus", "prometheus", PROMETHEUS_UID),
                    "url": monitoring.url(settings, monitoring.PROMETHEUS),
                    "isDefault": True,
                    "jsonData": {"timeInterval": f"{seconds}s", "httpMethod": "POST"},
                },
                {
                    **_source("Alertmanager", "alertmanager", ALERTMANAGER_UID),
                    "url": monitoring.url(settings, monitoring.ALERTMANAGER),
                    "jsonData": {"implementation": "prometheus"},
                },
            ],
        }
    )


def provider() -> str:
    """Where the dashboards' files are; what is changed in the page is not kept."""
    return plain.text(
        {
            "apiVersion": 1,
            "providers": [
                {
                    "name": "slipway",
                    "type": "file",
                    "allowUiUpdates": False,
                    "disableDeletion": False,
                    "updateIntervalSeconds": REFRESH_SECONDS,
                    "options": {"path": DASHBOARDS},
                }
            ],
        }
    )


def boards(settings: Settings) -> dict[str, str]:
    """The dashboards without blanks: a ConfigMap holds a megabyte."""
    return {
        name: json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
        for name, text in dashboards.files(settings).items()
    }


def _source(name: str, kind: str, uid: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "uid": uid, "access": "proxy", "editable": False}


def _file(name: str) -> str:
    return f"$__file{{{SECRETS}/{name}}}"


def _word(value: bool) -> str:
    return "true" if value else "false"
