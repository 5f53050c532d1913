"""Schema and model agree on any value of any key, and any settings as a stack file satisfy the schema.

The judge is the jsonschema library, which reads ``pattern`` with Python's ``re``: there ``$`` also stands
before a last line feed, so that no text here ends with one.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel, ValidationError

from infra.render import keys, schema
from infra.render.keys import Key
from infra.settings import outline
from infra.settings.fields import models_in
from infra.settings.model import Settings
from infra.settings.modules import Module
from infra.settings.monitoring import Receiver
from infra.settings.secrets import OF_GRAFANA, SecretName, required
from infra.settings.service import Mode

pytestmark = pytest.mark.unit
WHOLE = Draft202012Validator(schema.stack())
SECTIONS = {section.path[0]: section for section in keys.sections() if section.keys}
VALUES = [value for section in SECTIONS.values() for value in keys.values(section)]
# A schedule that never comes, a zone, a network or a moment that is none: no pattern says so.
STRICTER = (
    *("schedule", "time_zone", "ip_allow_list", "trusted_proxies", "pod_networks", "node_networks", "exempt"),
    "previous_until",
)
PLAIN = st.characters(exclude_categories=["C"])


def model(section: str) -> type[BaseModel]:
    (found,) = models_in(Settings.model_fields[section].annotation)
    return found


def nested(key: Key, value: Any) -> dict[str, Any]:
    """What a file holds below the section where it sets this key alone."""
    for part in reversed(key.path[1:]):
        value = {part: value}
    return value  # type: ignore[no-any-return]


def accepted_by_model(key: Key, value: Any) -> bool:
    try:
        model(key.path[0]).model_validate_json(json.dumps(nested(key, value)))
    except ValidationError:
        return False
    return True


def near(node: outline.Schema) -> st.SearchStrategy[Any]:
    """Values that such a key is likely to take, on both sides of its limits."""
    if node["type"] == "array":
        return st.lists(near(node["items"]), max_size=3, unique=node.get("uniqueItems", False))
    if node["type"] == "object":
        keys = {name: near(inner) for name, inner in node["properties"].items()}
        return st.fixed_dictionaries({}, optional=keys)
    offered = [st.sampled_from([*node.get("examples", []), *node.get("enum", []), node.get("default")])]
    if "pattern" in node:
        offered.append(st.from_regex(node["pattern"], alphabet=PLAIN).filter(lambda text: text[-1:] != "\n"))
    if "minimum" in node:
        least, most = node["minimum"], node["maximum"]
        inside = st.floats(least, most) if node["type"] == "number" else st.integers(least, most)
        offered += [inside, st.sampled_from([least - 1, least, most, most + 1])]
    return st.one_of(offered)


ODD: st.SearchStrategy[Any] = st.sampled_from([None, True, False, 1.5, {}, {"secure": "v1:abc"}, [], ""])
ANY = st.one_of(ODD, st.integers(), st.text(PLAIN), st.lists(st.text(PLAIN), max_size=2, unique=True))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_schema_and_model_agree_on_any_value_of_any_key(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(VALUES), label="key")
    value = data.draw(near(key.schema) | ANY, label="value")
    by_schema = Draft202012Validator(SECTIONS[key.path[0]].schema).is_valid(nested(key, value))
    by_model = accepted_by_model(key, value)
    if key.path[-1].endswith(STRICTER):
        assert by_schema or not by_model
    else:
        assert by_schema == by_model


def some_of(key: Key) -> st.SearchStrategy[dict[str, Any]]:
    """Any part of a section, each value one that the model accepts."""
    if not key.keys:
        return near(key.schema).filter(lambda value: accepted_by_model(key, value))
    return st.fixed_dictionaries({}, optional={inner.path[-1]: some_of(inner) for inner in key.keys})


FAST = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking takes minutes; the message names the key


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=list(HealthCheck), phases=FAST)
@given(st.data())
def test_any_settings_written_as_a_stack_file_satisfy_the_schema(data: st.DataObject) -> None:
    modules = data.draw(st.lists(st.sampled_from(Module), min_size=1, unique=True))
    given_values = {name: data.draw(some_of(section), label=name) for name, section in SECTIONS.items()}
    whole = {name: model(name).model_validate_json(json.dumps(part)) for name, part in given_values.items()}
    mode = Mode(json.loads(whole["service"].model_dump_json())["environment"])
    webhook = json.loads(whole["service"].model_dump_json())["auth"]["clerk_webhook"]
    also = {SecretName.OTLP_HEADERS, *OF_GRAFANA}
    names = required(mode, modules, webhook=webhook, told=tuple(Receiver), also=also)
    secrets = {name.value: {"secure": "v1:abc"} for name in names}
    config: dict[str, Any] = {
        f"slipway:{name}": section.model_dump(mode="json") for name, section in whole.items()
    }
    config |= {"slipway:modules": [module.value for module in modules], "slipway:secrets": secrets}
    file = {"config": config, "encryptionsalt": "v1:abc:v1:abc:abc"}
    assert [f"{error.json_path}: {error.message}" for error in WHOLE.iter_errors(file)] == []
