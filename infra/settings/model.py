"""The whole stack config as one frozen model; what validates here can be built."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from infra.settings import rules
from infra.settings.base import Section
from infra.settings.cluster import Cluster, Namespace
from infra.settings.images import Images
from infra.settings.modules import Ledger, Module
from infra.settings.postgres import Postgres
from infra.settings.redis import Redis
from infra.settings.secrets import SecretName, required
from infra.settings.service import Service
from infra.settings.stack import StackName


class Settings(Section):
    """Every section of a stack. Secrets are not in it: only their names follow from it."""

    stack: StackName
    cluster: Cluster = Field(Cluster(), description="Which Kubernetes the stack goes to.")
    namespace: Namespace = Field(Namespace(), description="The stack's own namespace.")
    images: Images = Field(Images(), description="Where container images come from.")
    modules: tuple[Module, ...] = Field(
        (Module.LEDGER,), min_length=1, description="Domain modules that the service runs."
    )
    ledger: Ledger = Field(Ledger(), description="The ledger module.")
    service: Service = Field(Service(), description="The FastAPI service.")
    postgres: Postgres = Field(Postgres(), description="The database.")
    redis: Redis = Field(Redis(), description="The cache.")

    @model_validator(mode="after")
    def _rules_hold(self) -> Settings:
        findings = rules.broken(self)
        if findings:
            text = "; ".join(f"{'.'.join(finding.key)}: {finding.what}" for finding in findings)
            raise PydanticCustomError("rules", "{text}", {"text": text, "findings": findings})
        return self

    @property
    def namespace_name(self) -> str:
        """The namespace: as named, or the stack's name."""
        return self.namespace.name or str(self.stack)

    @property
    def secret_names(self) -> frozenset[SecretName]:
        """The secrets that this stack must hold."""
        return required(self.service.environment)


SECTIONS = tuple(name for name in Settings.model_fields if name != "stack")


def defaults() -> dict[str, Any]:
    """The model's own values as plain data, section by section."""
    return {
        name: Section.model_dump(default, mode="json") if isinstance(default, Section) else list(default)
        for name in SECTIONS
        for default in [Settings.model_fields[name].default]
    }
