"""docker-compose.dev.yml (I12): what `slipway dev` runs, for a machine with Docker. Values: example.py."""

from __future__ import annotations

from typing import Any

import yaml

from infra import images
from infra.images import Image
from infra.names import PROJECT
from infra.render import postgres, redis, service
from infra.render.environment import render
from infra.render.validate import RenderError
from infra.settings.model import Settings
from infra.settings.secrets import SecretName

WIDTH = 110
SOURCE = "/srv/app"  # where the image has the service's code
SQL_SECRETS = "/run/secrets"
HEALTHY = {"condition": "service_healthy"}
LOCKED: dict[str, Any] = {
    "read_only": True,
    "tmpfs": ["/tmp"],  # noqa: S108  the container's own
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}


def text(settings: Settings) -> str:
    """The file. Raises RenderError where it does not read back as meant."""
    wanted = compose(settings)
    dumped = yaml.dump(wanted, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    made = render("compose/docker-compose.dev.yml.j2", body=dumped)
    if yaml.safe_load(made) != wanted:
        raise RenderError("docker-compose.dev.yml: reads back differently")
    return made


def compose(settings: Settings) -> dict[str, Any]:
    """The Compose file as data (compose-spec.io)."""
    passwords = {
        SecretName.POSTGRES_OWNER_PASSWORD.value: {"environment": "POSTGRES_OWNER_PASSWORD"},
        SecretName.POSTGRES_SERVICE_PASSWORD.value: {"environment": "POSTGRES_SERVICE_PASSWORD"},
    }
    return {
        "name": f"{PROJECT}-dev",
        "services": {
            "api": _api(settings),
            "migrate": _migrate(settings),
            "postgres": _postgres(settings),
            "redis": _redis(settings),
        },
        "networks": {"data": {"internal": True}, "front": {}},
        "volumes": {"postgres-data": {}, "redis-data": {}},
        "secrets": passwords,
        "configs": {
            "roles": {"content": _escaped(_roles(settings))},
            "redis": {"content": _escaped(_redis_conf(settings))},
        },
    }


def _api(settings: Settings) -> dict[str, Any]:
    return {
        **_image(),
        "command": [*service.RELOAD_COMMAND, " ".join(service.COMMAND), SOURCE],
        "environment": _environment(settings),
        "ports": [f"127.0.0.1:${{PORT:-{service.PORT}}}:{service.PORT}"],
        "networks": ["data", "front"],
        "depends_on": {
            "postgres": HEALTHY,
            "redis": HEALTHY,
            "migrate": {"condition": "service_completed_successfully"},
        },
        "stop_grace_period": "30s",
        **LOCKED,
    }


def _migrate(settings: Settings) -> dict[str, Any]:
    """Runs to its end before the service starts, with the owner's password, which the service has not."""
    url = _database_url(settings, settings.postgres.owner, "OWNER")
    return {
        **_image(),
        "command": list(service.MIGRATION_COMMAND),
        "environment": {**service.migration_environment(settings), service.DATABASE_URL: url},
        "networks": ["data"],
        "depends_on": {"postgres": HEALTHY},
        "restart": "no",
        **LOCKED,
    }


def _image() -> dict[str, Any]:
    """The service's image with this folder's code over the one built into it."""
    build = {"context": ".", "dockerfile": "app/Dockerfile"}
    return {"image": f"{PROJECT}-service:dev", "build": build, "volumes": [f"./app:{SOURCE}:ro"]}


def _environment(settings: Settings) -> dict[str, str]:
    """Each variable from .env, else as settings have it; addresses are those of the services beside it."""
    values = service.environment(settings, "dev")
    fixed = {"HOST": values.pop("HOST"), "PORT": values.pop("PORT")}
    return {
        **fixed,
        **{name: f"${{{name}:-{value}}}" for name, value in values.items()},
        **{name: _asked(name) for name in (service.SECRET_KEY, service.DEV_TOKEN)},
        **{name: f"${{{name}:-}}" for name in (service.CLERK_WEBHOOK_SECRET, service.OTLP_HEADERS)},
        service.DATABASE_URL: _database_url(settings, settings.postgres.service_role, "SERVICE"),
        service.REDIS_URL: f"redis://:{_asked('REDIS_PASSWORD')}@redis:{redis.PORT}/0",
    }


def _asked(name: str) -> str:
    """A value that .env must give; Compose says so and starts nothing."""
    return f"${{{name}:?is empty in .env}}"


def _database_url(settings: Settings, role: str, whose: str) -> str:
    password = _asked(f"POSTGRES_{whose}_PASSWORD")
    return f"postgresql://{role}:{password}@postgres:{postgres.PORT}/{settings.postgres.database}"


def _postgres(settings: Settings) -> dict[str, Any]:
    """The public image prepares its own data folder; roles and tuning are those of the cluster."""
    options = [part for option in tuning(settings) for part in ("-c", option)]
    return {
        "image": str(images.PUBLIC[Image.POSTGRES]),
        "command": ["postgres", *options],
        "environment": {"POSTGRES_PASSWORD": _asked("POSTGRES_PASSWORD")},
        "secrets": [
            name.value for name in (SecretName.POSTGRES_OWNER_PASSWORD, SecretName.POSTGRES_SERVICE_PASSWORD)
        ],
        "configs": [{"source": "roles", "target": "/docker-entrypoint-initdb.d/roles.sql"}],
        "volumes": ["postgres-data:/var/lib/postgresql/data"],
        "networks": ["data"],
        "shm_size": f"{settings.postgres.memory.shm}m",
        "mem_limit": settings.postgres.resources.memory_bytes,
        "healthcheck": _check(f"pg_isready --quiet --host=127.0.0.1 --port={postgres.PORT}"),
    }


def tuning(settings: Settings) -> list[str]:
    """``name=value`` of the cluster's postgresql.conf, without what says where things lie."""
    places = {
        "data_directory",
        "hba_file",
        "ident_file",
        "listen_addresses",
        "port",
        "unix_socket_directories",
    }
    wanted = postgres.parameters(settings.postgres)
    return [f"{name}={value.strip(chr(39))}" for name, value in wanted.items() if name not in places]


def _roles(settings: Settings) -> str:
    return postgres.files(settings.postgres, postgres.Place(secrets=SQL_SECRETS))["roles.sql"]


def _redis(settings: Settings) -> dict[str, Any]:
    """The password comes in through standard input: in an argument every process would see it."""
    start = "printf 'requirepass %s\\n' \"$$REDIS_PASSWORD\" | exec redis-server /etc/slipway/redis.conf -"
    return {
        "image": str(images.PUBLIC[Image.REDIS]),
        "command": ["sh", "-c", start],
        "environment": {"REDIS_PASSWORD": _asked("REDIS_PASSWORD")},
        "configs": [{"source": "redis", "target": "/etc/slipway/redis.conf"}],
        "volumes": [f"redis-data:{redis.CONTAINER.data}"],
        "networks": ["data"],
        "mem_limit": settings.redis.resources.memory_bytes,
        "healthcheck": _check('REDISCLI_AUTH="$$REDIS_PASSWORD" redis-cli ping | grep -q PONG'),
    }


def _redis_conf(settings: Settings) -> str:
    """The cluster's directives; the one password is given at the start instead of in a users' file."""
    wanted = {name: value for name, value in redis.directives(settings.redis).items() if name != "aclfile"}
    return render("redis/redis.conf.j2", directives=wanted)


def _check(command: str) -> dict[str, Any]:
    return {"test": ["CMD-SHELL", command], "interval": "2s", "timeout": "3s", "retries": 30}


def _escaped(text: str) -> str:
    """A dollar sign is the beginning of a variable to Compose."""
    return text.replace("$", "$$")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, lists indented below their key, no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
