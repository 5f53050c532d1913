"""The key of each container is the one that sizes it, for every pod that a stack can have."""

from __future__ import annotations

from typing import Any

import pytest

from infra.capacity import parts
from infra.settings import model
from infra.settings.base import Resources
from infra.settings.model import Settings
from tests.infra.mocks import built, settings

pytestmark = pytest.mark.unit
ARCHIVED = {"pitr": {"enabled": True}}
TWO_COLOURS = {"rollout": {"strategy": "blue-green"}, "pool": {"size": 5, "max_overflow": 0}}


def sized_apart(wanted: Settings) -> Settings:
    """The same stack with a CPU request of its own for every key, by which its container is known."""
    data = wanted.model_dump(mode="json", exclude={"stack"})
    for number, key in enumerate(sorted(set(parts.keys(wanted).values()))):
        place = data
        for part in key:
            place = place[part]
        place["cpu_request"] = f"{11 + number}m"
    return model.of(Settings, wanted.stack, data)


def containers(wanted: Settings) -> list[dict[str, Any]]:
    return [each for _, pod in built(wanted).pods() for each in pod["containers"]]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(settings("sandbox", backups=ARCHIVED), id="sandbox"),
        pytest.param(settings("shop-prod"), id="production"),
        pytest.param(settings("shop-dev", monitoring={"enabled": False}), id="development"),
        pytest.param(settings("sandbox", service=TWO_COLOURS), id="two colours"),
    ],
)
def test_every_container_has_the_key_that_sizes_it(wanted: Settings) -> None:
    apart = sized_apart(wanted)
    known = parts.keys(apart)
    found = containers(apart)
    assert found
    for container in found:
        requested: Resources = parts.requested(apart, known[container["name"]])
        assert container["resources"]["requests"]["cpu"] == requested.cpu_request, container["name"]
        assert container["resources"]["limits"]["memory"] == requested.memory_limit, container["name"]
