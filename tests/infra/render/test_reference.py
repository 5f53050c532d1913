"""stacks/reference.yaml and docs/configuration.md say what the model says, and read back as it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from infra.paths import ROOT
from infra.render import configuration, keys, reference
from infra.render.validate import RenderError
from infra.settings import check, document, layers, rules
from infra.settings.model import SECTIONS, Settings, defaults
from infra.settings.secrets import SecretName
from infra.settings.stack import Environment, StackName

pytestmark = pytest.mark.unit
FILE = ROOT / "stacks" / "reference.yaml"
STACK = StackName.parse("ledger-prod")
PAGE = configuration.text()
VALUES = [key for section in keys.sections() for key in keys.values(section)]


def copied(folder: Path, text: str) -> Path:
    """A folder with the reference as the only stack file and an empty profile below it."""
    (folder / "Pulumi.ledger-prod.yaml").write_text(text, encoding="utf-8")
    (folder / "profiles").mkdir()
    (folder / "profiles" / "prod.yaml").touch()
    return folder


def test_the_reference_read_as_a_stack_file_is_the_model_itself(tmp_path: Path) -> None:
    (_, own), flaws = layers.read(STACK, copied(tmp_path, FILE.read_text(encoding="utf-8")))
    assert flaws == []
    assert {name: own.data[name] for name in SECTIONS} == json.loads(json.dumps(defaults()))


def test_a_copied_reference_with_its_two_names_is_a_sound_stack(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    for line in ("    context: null\n", "    service: null\n"):
        assert text.count(line) == 1
        text = text.replace(line, line.replace("null", "registry.example/team/service:1"))
    assert check.examine(str(STACK), copied(tmp_path, text)).errors == ()


def test_the_reference_explains_every_key_before_it_names_it() -> None:
    lines = [line.strip() for line in FILE.read_text(encoding="utf-8").splitlines()]
    silent = [
        line
        for above, line in pairwise(lines)
        if ":" in line and not line.startswith("#") and not above.startswith("#")
    ]
    assert silent == []


def test_a_reference_that_reads_back_differently_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "written", lambda _: "1")
    with pytest.raises(RenderError, match="reads back differently"):
        reference.text()


@pytest.mark.parametrize("key", VALUES, ids=lambda key: ".".join(key.path))
def test_the_page_has_each_key_in_the_table_of_its_section(key: keys.Key) -> None:
    table = PAGE.partition(f"\n### {key.path[0]}\n")[2].partition("\n### ")[0]
    (row,) = (
        line
        for line in table.splitlines()
        if line.startswith(f"| `{'.'.join(key.path[1:]) or key.path[0]}` |")
    )
    assert row.count("|") - row.count("\\|") == 6
    assert f"`{keys.written(key.leaf.default)}`" in row


def test_the_page_gives_every_rule_its_reason() -> None:
    for rule in rules.RULES:
        assert rules.reason(rule).endswith("."), "the first line of its docstring is a sentence"
        assert f"| `{rules.name(rule)}` | {rules.reason(rule)} |" in PAGE


def test_the_page_says_of_every_secret_what_it_is_for() -> None:
    for name in SecretName:
        assert f"| `{name.value}` | {name.meaning} |" in PAGE


def test_the_page_shows_what_each_profile_sets() -> None:
    profile = document.read(layers.profile_file(Environment.PROD, ROOT / "stacks")).data
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| `service.replicas` |"))
    cells = [cell.strip(" `") for cell in row.split("|")[1:-1]]
    position = 2 + list(Environment).index(Environment.PROD)
    assert cells[position] == str(profile["service"]["replicas"])
    assert cells[1] == str(Settings.model_fields["service"].default.replicas)


def test_a_committed_reference_is_plain_yaml_for_any_reader() -> None:
    assert yaml.safe_load(FILE.read_text(encoding="utf-8"))["secretsprovider"] == "passphrase"
