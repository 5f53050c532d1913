"""The whole stack config as one frozen model; what validates here can be built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from infra.settings import rules
from infra.settings.base import Section
from infra.settings.config import StackConfig
from infra.settings.stack import StackName


class Settings(StackConfig):
    """Every section of a stack. Secrets are not in it: only their names follow from it."""

    @model_validator(mode="after")
    def _rules_hold(self) -> Settings:
        findings = rules.broken(self)
        if findings:
            text = "; ".join(f"{'.'.join(finding.key)}: {finding.what}" for finding in findings)
            raise PydanticCustomError("rules", "{text}", {"text": text, "findings": findings})
        return self


Config = TypeVar("Config", bound=StackConfig)


def of(kind: type[Config], stack: StackName, sections: Mapping[str, Any]) -> Config:
    """The model of plain data, as JSON reads it (strictly). Raises ValidationError."""
    return kind.model_validate_json(json.dumps({**sections, "stack": stack.model_dump(mode="json")}))


SECTIONS = tuple(name for name in Settings.model_fields if name != "stack")


def defaults() -> dict[str, Any]:
    """The model's own values as plain data, section by section."""
    return {
        name: Section.model_dump(default, mode="json") if isinstance(default, Section) else list(default)
        for name in SECTIONS
        for default in [Settings.model_fields[name].default]
    }
