"""docs/configuration.md: the keys in tables, how layers merge, secrets, rules between keys, profiles."""

from __future__ import annotations

from infra.names import PROJECT
from infra.render import keys
from infra.render.environment import render
from infra.settings import rules
from infra.settings.layers import UNIONS
from infra.settings.modules import Module
from infra.settings.secrets import GIVEN, OF_MODULES, OF_RECEIVERS, OF_STORE, SecretName, required
from infra.settings.service import Mode
from infra.settings.stack import Environment

# Secrets that neither a mode nor a module calls for: what does.
OTHERWISE = {
    SecretName.CLERK_WEBHOOK_SECRET: "service.auth.clerk_webhook: true",
    SecretName.BACKUP_KEY: "backups.enabled: true",
    SecretName.OTLP_HEADERS: "tracing.headers: true",
    **dict.fromkeys(OF_STORE, "backups.store.kind: s3"),
    SecretName.GRAFANA_ADMIN_PASSWORD: "monitoring.grafana.enabled: true",
    SecretName.GRAFANA_CLIENT_SECRET: "monitoring.grafana.oidc.client_id",
    **{name: f"monitoring.receivers.{receiver}" for receiver, name in OF_RECEIVERS.items()},
}


def text() -> str:
    """The page, in Markdown."""
    return render(
        "docs/configuration.md.j2",
        project=PROJECT,
        sections=[(key.path[0], key.meaning, _rows(key)) for key in keys.sections()],
        unions=sorted(".".join(path) for path in UNIONS),
        secrets=[_secret(name) for name in SecretName],
        rules=[(rules.name(rule), rules.reason(rule)) for rule in rules.RULES],
        environments=list(Environment),
        profiles=_profiles(),
    )


def _rows(section: keys.Key) -> list[tuple[str, ...]]:
    """Key, type, default, allowed, meaning of every value in the section."""
    return [
        (
            _code(".".join(key.path[1:]) or key.path[0]),
            key.leaf.kind,
            _code(keys.written(key.leaf.default)),
            key.allowed(_code),
            _prose(f"{key.meaning} The list {key.list_rule}." if key.list_rule else key.meaning),
        )
        for key in keys.values(section)
    ]


def _secret(name: SecretName) -> tuple[str, str, str, str]:
    modules = [module for module in Module if name in OF_MODULES.get(module, ())]
    modes = [mode for mode in Mode if name in required(mode, modules)]
    wanted = "always" if len(modes) == len(Mode) else f"`service.environment: {', '.join(modes)}`"
    if not modes:
        wanted = f"`{OTHERWISE[name]}`"
    if modules:
        wanted = f"module {', '.join(modules)}"
    source = f"given: `{PROJECT} secrets set`" if name in GIVEN else "made"
    return _code(name.value), name.meaning, source, wanted


def _profiles() -> list[tuple[str, ...]]:
    """Key, the model's default, and each profile's value; only keys that some profile sets."""
    profiles = keys.profiles()
    rows = []
    for key in (key for section in keys.sections() for key in keys.values(section)):
        cells = [
            "".join(_code(keys.written(value)) for value in keys.found(profiles[environment], key.path))
            for environment in Environment
        ]
        if any(cells):
            rows.append((_code(".".join(key.path)), _code(keys.written(key.leaf.default)), *cells))
    return rows


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _prose(text: str) -> str:
    return _cell(text).replace("<", "&lt;")


def _cell(text: str) -> str:
    """Text that does not end its table cell."""
    return text.replace("|", r"\|")
