"""stacks/schema.json and its profile sister, judged by a validator that is not ours (check-jsonschema)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.paths import ROOT
from infra.render import schema
from infra.settings import fields, outline
from infra.settings.model import SECTIONS, Settings
from infra.settings.rules import named
from infra.settings.sections import BESIDE
from tests.infra.settings.broken_files import CASES, FILES, SECRETS, SOUND, STACK, filled

pytestmark = pytest.mark.unit
STACKS = ROOT / "stacks"
STACK_SCHEMA = STACKS / "schema.json"
PROFILE_SCHEMA = STACKS / "profile.schema.json"


def validator(*arguments: str | Path) -> dict[str, Any]:
    """check-jsonschema's own report."""
    command = [sys.executable, "-m", "check_jsonschema", "--output-format", "json", "--verbose", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return {"errors": [], "parse_errors": [], "checked_paths": [], **json.loads(answer.stdout)}


def refused(files: Iterable[Path], by: Path = STACK_SCHEMA) -> dict[str, str]:
    """File name → why, of every file that is sound YAML and against the schema; one run for all."""
    report = validator("--schemafile", by, *files)
    return {
        Path(error["filename"]).name: f"{error['path']}: {error['message']}" for error in report["errors"]
    }


def committed(pattern: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--", pattern], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listing.splitlines()]


def leaves(node: outline.Schema, path: tuple[str, ...]) -> Iterator[tuple[str, outline.Schema]]:
    """Every key with its schema; those of the mappings in a list too."""
    yield ".".join(path), node
    for name, child in node.get("items", node).get("properties", {}).items():
        yield from leaves(child, (*path, name))


ALL_KEYS = dict(pair for name, found in outline.sections().items() for pair in leaves(found, (name,)))


def test_both_schemas_are_sound_by_their_own_metaschema() -> None:
    report = validator("--check-metaschema", STACK_SCHEMA, PROFILE_SCHEMA)
    assert (report["status"], report["errors"]) == ("ok", [])
    assert {json.loads(path.read_text())["$schema"] for path in (STACK_SCHEMA, PROFILE_SCHEMA)} == {
        schema.DIALECT
    }


def test_every_committed_stack_file_and_the_reference_are_valid() -> None:
    files = [*committed("stacks/Pulumi.*.yaml"), STACKS / "reference.yaml"]
    report = validator("--schemafile", STACK_SCHEMA, *files)
    assert (report["errors"], report["parse_errors"]) == ([], [])
    assert len(report["checked_paths"]) == len(files)


def test_every_profile_is_valid() -> None:
    files = committed("stacks/profiles/*.yaml")
    report = validator("--schemafile", PROFILE_SCHEMA, *files)
    assert (report["errors"], report["parse_errors"]) == ([], [])
    assert len(report["checked_paths"]) == len(files) == 4


def test_every_file_tells_the_editor_its_schema_in_the_first_line() -> None:
    wanted = {
        **dict.fromkeys([*committed("stacks/Pulumi.*.yaml"), STACKS / "reference.yaml"], "./schema.json"),
        **dict.fromkeys(committed("stacks/profiles/*.yaml"), "../profile.schema.json"),
    }
    first = {path: path.read_text(encoding="utf-8").partition("\n")[0] for path in wanted}
    assert first == {path: f"# yaml-language-server: $schema={name}" for path, name in wanted.items()}
    assert all((path.parent / name).is_file() for path, name in wanted.items())


def test_the_schema_refuses_exactly_the_broken_files_that_a_schema_can_express(tmp_path: Path) -> None:
    names = {f"case-{number}.yaml": case for number, case in enumerate(CASES)}
    for name, case in names.items():
        (tmp_path / name).write_text(SOUND + str(CASES[case]["text"]) + SECRETS, encoding="utf-8")
    (tmp_path / "sound.yaml").write_text(SOUND + SECRETS, encoding="utf-8")
    found = refused(sorted(tmp_path.iterdir()))
    expressible = {name for name, case in names.items() if CASES[case]["schema"]}
    assert [names[name] for name in sorted(expressible - set(found))] == [], "let through by the schema"
    assert {names[name]: found[name] for name in set(found) - expressible} == {}, "mark these schema: true"


SHAPES = {"empty", *named.OF_KEYS, *named.OF_SECRETS}
NO_SCHEMA = set(named.OF_FILES) - SHAPES  # what is wrong with a file before it is keys and values
BY_THE_PROFILE = {"a development token in production"}  # only the merged values say which mode it is


def test_of_whole_files_the_schema_judges_the_shape_and_leaves_rules_between_keys(tmp_path: Path) -> None:
    names = {
        f"case-{number}.yaml": case
        for number, (case, wanted) in enumerate(FILES.items())
        if wanted["rule"] not in NO_SCHEMA
    }
    for name, case in names.items():
        text = filled(FILES[case]["text"], FILES[case].get("stack", STACK))
        (tmp_path / name).write_text(text, encoding="utf-8")
    wrong_in_shape = {case for case in names.values() if FILES[case]["rule"] in SHAPES}
    assert {names[name] for name in refused(tmp_path.iterdir())} == wrong_in_shape - BY_THE_PROFILE


SECRETS_BROKEN = {
    "none at all": (SECRETS.partition("encryptionsalt")[0], ""),
    "one missing": ("    secretKey: {secure: v1:abc}\n", ""),
    "one plain": ("secretKey: {secure: v1:abc}", "secretKey: hunter2"),
    "one with more than its ciphertext": ("{secure: v1:abc}", "{secure: v1:abc, plain: x}"),
    "a misspelt name": ("    devToken:", "    devTokn:"),
    "no salt": ("encryptionsalt: v1:abc:v1:abc:abc\n", ""),
    "a salt where a key service wants its key": (
        "encryptionsalt:",
        "secretsprovider: awskms://alias/x\nencryptionsalt:",
    ),
    "an unknown key service": ("encryptionsalt:", "secretsprovider: awskm://alias/x\nencryptedkey:"),
    "a misspelt key beside config": ("encryptionsalt:", "encryptionsalt: v1\nsecretprovider:"),
    "a rotation of nothing known": ("encryptionsalt:", "  slipway:rotated: {x: 2026-03-01}\nencryptionsalt:"),
    "a rotation on no day": ("encryptionsalt:", "  slipway:rotated: {secretKey: March}\nencryptionsalt:"),
    "a module without its secret": ("encryptionsalt:", "  slipway:modules: [assistant]\nencryptionsalt:"),
    "a development token in production mode": (
        "encryptionsalt:",
        "  slipway:service: {environment: production}\nencryptionsalt:",
    ),
    "another project's section": ("encryptionsalt:", "  aws:region: x\nencryptionsalt:"),
}  # fmt: skip
SECRETS_SOUND = {
    "a key service": ("encryptionsalt:", "secretsprovider: awskms://alias/x\nencryptedkey:"),
    "the passphrase by name": ("encryptionsalt:", "secretsprovider: passphrase\nencryptionsalt:"),
    "a rotation": ("encryptionsalt:", "  slipway:rotated: {secretKey: 2026-03-01}\nencryptionsalt:"),
    "settings of the engine": ("encryptionsalt:", "  pulumi:tags: {team: x}\nencryptionsalt:"),
    "a module with its secret": (
        "encryptionsalt:",
        "    openaiApiKey: {secure: v1:abc}\n  slipway:modules: [assistant]\nencryptionsalt:",
    ),
}


def test_secrets_and_what_stands_beside_the_sections_are_checked_too(tmp_path: Path) -> None:
    for name, (old, new) in {**SECRETS_BROKEN, **SECRETS_SOUND}.items():
        assert old in SECRETS
        (tmp_path / f"{name}.yaml").write_text(SOUND + SECRETS.replace(old, new, 1), encoding="utf-8")
    report = validator("--schemafile", STACK_SCHEMA, *tmp_path.iterdir())
    assert report["parse_errors"] == []
    assert {Path(error["filename"]).stem for error in report["errors"]} == set(SECRETS_BROKEN)


def test_a_profile_with_a_prefix_or_secrets_is_refused(tmp_path: Path) -> None:
    for name, text in {"prefix": "slipway:service: {replicas: 1}", "secret": "secrets: {}"}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert set(refused(tmp_path.iterdir(), PROFILE_SCHEMA)) == {"prefix.yaml", "secret.yaml"}


def test_every_key_of_the_model_stands_in_the_schema() -> None:
    def of(model: Any, path: tuple[str, ...]) -> Iterator[str]:
        for name, field in model.model_fields.items():
            yield ".".join((*path, name))
            for inner in fields.models_in(field.annotation):
                yield from of(inner, (*path, name))

    known = {key for key in of(Settings, ()) if key.partition(".")[0] != "stack"}
    assert set(ALL_KEYS) == known
    in_file = json.loads(STACK_SCHEMA.read_text())["properties"]["config"]["properties"]
    assert set(in_file) == {f"slipway:{name}" for name in (*SECTIONS, *BESIDE)}


@pytest.mark.parametrize("key", ALL_KEYS)
def test_each_key_says_what_it_means_and_what_may_stand_there(key: str) -> None:
    node = ALL_KEYS[key]
    assert node["description"].endswith("."), "a sentence"
    if "properties" in node:
        assert node["additionalProperties"] is False
        return
    holder, _, name = key.rpartition(".")
    assert "default" in node or name in ALL_KEYS[holder]["items"]["required"]
    ranged = "minimum" in node and "maximum" in node
    assert node.get("examples") or node.get("enum") or ranged or node["type"] == "boolean"
    assert node["type"] != "array" or node["x-list-rule"] in {"replace", "union"}
