"""The settings of the service on a developer's own machine: the dev profile, and every module there is."""

from __future__ import annotations

from typing import Any

from infra.paths import ROOT
from infra.settings import document, layers, model
from infra.settings.merge import merge
from infra.settings.model import Settings, defaults
from infra.settings.modules import BUNDLED, Module
from infra.settings.stack import Environment, StackName

OWN: dict[str, Any] = {
    "cluster": {"sandbox": True},
    "images": {"catalogue": "sandbox"},
    "modules": [module.value for module in Module if module in BUNDLED],
    "service": {"log_level": "INFO", "rollout": {"drain_seconds": 0}},  # nobody is sent elsewhere meanwhile
}


def settings() -> Settings:
    """What ``slipway dev`` and docker-compose.dev.yml run with."""
    profile = document.read(layers.profile_file(Environment.DEV, ROOT / "stacks")).data
    merged = merge(merge(defaults(), profile, layers.UNIONS), OWN, layers.UNIONS)
    return model.of(Settings, StackName(team="local", environment=Environment.DEV), merged)
