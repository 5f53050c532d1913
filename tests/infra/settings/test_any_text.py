"""Whatever stands in a stack file or a profile, the check answers with flaws and never with an exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.settings import check
from infra.settings.flaw import Flaw
from infra.settings.model import SECTIONS, Settings
from infra.settings.rules.named import RULES
from infra.settings.sections import ENGINE_KEYS, KNOWN
from tests.infra.settings.broken_files import CASES, SECRETS, SOUND, STACK

pytestmark = pytest.mark.unit
EXAMPLES = settings(max_examples=150)
CANARY = "hunter2-7c1e"
SNIPPETS = [
    *":{}[]&*!|>'\"%@`#,-?~\t\n\r\0\x1b\ufeff\u2028\x85", "\n  ", ": ", "- ", "<<: ", "---\n", "null", "yes",
    "010", "1e999", "-.inf", "9" * 5000, "{a: " * 30, "[" * 2000, '"\\ud800"', '"\\UFFFFFFFF"',
    "!!python/none ", "%TAG ! x\n", "? ", "secure: x", "slipway:", "config:", "2026-03-01", "0x", "한",
]  # fmt: skip


def examined(text: bytes, profile: bytes | None = None) -> tuple[Flaw, ...]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"Pulumi.{STACK}.yaml").write_bytes(text)
        if profile is not None:
            (folder / "profiles").mkdir()
            (folder / "profiles" / "dev.yaml").write_bytes(profile)
        report = check.examine(STACK, folder)
    assert (report.settings is None) == bool(report.errors)
    return report.errors + report.notes


def assert_told(flaws: tuple[Flaw, ...]) -> None:
    """Each flaw names its rule, says what and how to mend it, in one line that a terminal can show."""
    for flaw in flaws:
        assert flaw.rule in RULES
        assert flaw.what
        assert flaw.remedy
        assert all(text.isprintable() for text in (flaw.what, flaw.remedy, flaw.key, flaw.value or ""))
        assert len(str(flaw)) < 1500
        assert (flaw.line or 1) >= 1
        assert (flaw.column or 1) >= 1
        json.dumps(flaw.plain()).encode()


@EXAMPLES
@given(st.binary(max_size=400))
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf")
@example(b"%YAML 9.9\n---\n{}")
def test_any_bytes_are_answered_with_flaws(raw: bytes) -> None:
    flaws = examined(raw)
    assert flaws
    assert_told(flaws)


@EXAMPLES
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_below_config_and_in_a_profile_is_answered(own: str, profile: str) -> None:
    text = (SOUND + own + "\n" + SECRETS).encode("utf-8", "replace")
    assert_told(examined(text, profile.encode("utf-8", "replace")))


def mutated(text: str, changes: list[tuple[float, int, str]]) -> str:
    for where, length, instead in changes:
        at = int(where * len(text))
        text = text[:at] + instead + text[at + length :]
    return text


CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 6), st.sampled_from(SNIPPETS) | st.text(max_size=3)),
    min_size=1,
    max_size=4,
)
BASES = [SOUND + case["text"] + SECRETS for case in CASES.values()] + [SOUND + SECRETS]


@EXAMPLES
@given(st.sampled_from(BASES), CHANGES)
def test_a_file_with_any_slip_of_the_hand_is_answered(
    base: str, changes: list[tuple[float, int, str]]
) -> None:
    assert_told(examined(mutated(base, changes).encode("utf-8", "replace")))


def names(schema: dict[str, Any]) -> set[str]:
    inner = schema.get("properties", {}) | schema.get("$defs", {})
    return set(inner).union(*(names(part) for part in inner.values() if isinstance(part, dict)))


KEYS = st.sampled_from(sorted(names(Settings.model_json_schema()) | {"secure", "stack", "<<"})) | st.text(
    max_size=5
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.dates()
    | st.binary(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
TOP = st.sampled_from([f"slipway:{name}" for name in KNOWN] + list(SECTIONS)) | st.text(max_size=6)


@EXAMPLES
@given(
    st.dictionaries(TOP, VALUES, max_size=4),
    st.dictionaries(st.sampled_from(ENGINE_KEYS), VALUES, max_size=2),
    VALUES,
)
def test_any_values_under_any_keys_are_answered(
    own: dict[str, Any], beside: dict[str, Any], profile: Any
) -> None:
    text = yaml.safe_dump({**beside, "config": own}, allow_unicode=True)
    assert_told(examined(text.encode("utf-8", "replace"), yaml.safe_dump(profile).encode("utf-8", "replace")))


SHAPES = [
    "{name}: {canary}", "{name}: '{canary}'", "{name}: !{canary}", "{name}: !!{canary}", "{name}: *{canary}",
    "{name}: &{canary} x", "{name}: |\n      {canary}", "{name}: [{canary}]", "{name}: {{secure: {canary}}}",
    "{name}: {{value: {canary}}}", "{name}: {{{canary}}}", "{name}: {{secure: v1:abc, plain: {canary}}}",
    "{name}: @{canary}", "{name}: %{canary}", "{name}: '{canary}", '{name}: "\\q{canary}"',
    "{name}: {canary}: x", "{name}:{canary}", "{name} {canary}", "{name}:\n      {canary}",
    "{name}: {{{canary}: {canary}}}", "{name}: https://user:{canary}@host",
]  # fmt: skip


@EXAMPLES
@given(st.sampled_from(SHAPES), st.sampled_from(["secretKey", "devToken", "redisPassword"]), CHANGES)
@example("{name}: {canary}", "secretKey", [(0, 0, "")])
def test_no_secret_is_ever_shown(shape: str, name: str, changes: list[tuple[float, int, str]]) -> None:
    line = f"    {shape.format(name=name, canary=CANARY)}\n"
    before, after = SECRETS.split(f"    {name}: {{secure: v1:abc}}\n")
    text = mutated(SOUND + before, changes) + line + mutated(after, changes)
    flaws = examined(text.encode("utf-8", "replace"))
    assert_told(flaws)
    assert CANARY not in "".join(f"{flaw} {flaw.plain()}" for flaw in flaws)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plain_secret_is_refused_in_every_notation_and_not_shown(shape: str) -> None:
    line = f"    {shape.format(name='secretKey', canary=CANARY)}\n"
    flaws = examined((SOUND + SECRETS.replace("    secretKey: {secure: v1:abc}\n", line)).encode())
    assert flaws
    assert CANARY not in "".join(f"{flaw} {flaw.plain()}" for flaw in flaws)
