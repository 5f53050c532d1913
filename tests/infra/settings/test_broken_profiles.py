"""A broken profile is told at the profile, not at the stack file above it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import check
from infra.settings.model import SECTIONS
from tests.infra.settings.broken_files import SECRETS, SOUND, STACK
from tests.infra.settings.test_broken_stack_files import folder_with, messages

pytestmark = pytest.mark.unit
KNOWN = f"known keys here: {', '.join(SECTIONS)}"
SHARED = "take it out, and a new value for each: slipway secrets set NAME STACK"
RANGE = "use 1 to 50. Pods; two keep serving while one is replaced."
CASES = {
    "service: {replicas: 0}": (":1:11 service.replicas: 0 is less than 1", RANGE),
    "service: {replicas: [": (
        ":1:22: ends before its value",
        "write the value, or close what is open",
    ),
    "servce: {replicas: 1}": (":1:1 servce: unknown key; did you mean service?", KNOWN),
    "slipway:service: {replicas: 1}": (
        ":1:1 slipway:service: a profile has its sections without slipway:",
        "write service",
    ),
    "config: {service: {replicas: 1}}": (
        ":1:1 config: a profile has its sections without config:",
        "take the line out",
    ),
    "secrets: {secretKey: hunter2}": (
        ":1:1 secrets: a profile is shared by all teams and holds no secret",
        SHARED,
    ),
    "rotated: {secretKey: 2026-03-01}": (
        ":1:1 rotated: a profile is shared by all teams and holds no secret",
        SHARED,
    ),
    "secretKey: hunter2": (
        ":1:1 secretKey: a profile is shared by all teams and holds no secret",
        SHARED,
    ),
    "stack: {team: ledger, environment: prod}": (":1:1 stack: unknown key", KNOWN),
    "redis:": (
        ":1:1 redis: has nothing below it",
        "write keys below it: storage, storage_class, maxmemory, maxmemory_policy, appendfsync, "
        "shutdown_seconds, startup_seconds, resources; or take the line out",
    ),
    "redis: {maxmemory: 200Mi}": (
        ":1:9 redis.maxmemory: maxmemory 200Mi is more than 75 % of memory_limit 256Mi",
        "use at most 192Mi, or raise redis.resources.memory_limit",
    ),
}


@pytest.mark.parametrize("text", CASES)
def test_a_mistake_in_a_profile_is_told_there(tmp_path: Path, text: str) -> None:
    folder = folder_with(tmp_path, SOUND + SECRETS)
    small = "\nservice: {environment: development}" if not text.startswith(("service", "slipway")) else ""
    (folder / "profiles" / "dev.yaml").write_text(text + small)
    what, remedy = CASES[text]
    assert f"profiles/dev.yaml{what}\n  → {remedy}" in messages(folder)
    assert "hunter2" not in "".join(messages(folder))


def test_a_profile_that_is_a_folder_is_told(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, SOUND + SECRETS)
    (folder / "profiles" / "dev.yaml").unlink()
    (folder / "profiles" / "dev.yaml").mkdir()
    assert messages(folder) == [
        "profiles/dev.yaml: is a folder, and a file is wanted\n  → put a file there, or check the name"
    ]


MISSING = "profiles/dev.yaml: does not exist, and every environment has a profile"


@pytest.mark.parametrize(
    ("instead", "hint", "remedy"),
    [
        ("dve.yaml", "; did you mean dve.yaml?", "rename it to dev.yaml"),
        ("dev.yml", "; did you mean dev.yml?", "rename it to dev.yaml"),
        ("other.yaml", "", "make it; an empty file leaves the model's defaults"),
    ],
)
def test_a_profile_that_is_missing_is_told_alone(
    tmp_path: Path, instead: str, hint: str, remedy: str
) -> None:
    folder = folder_with(tmp_path, SOUND + SECRETS)
    (folder / "profiles" / "dev.yaml").rename(folder / "profiles" / instead)
    assert messages(folder) == [f"{MISSING}{hint}\n  → {remedy}"]


def test_a_missing_profile_of_another_environment_is_no_problem(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, SOUND + SECRETS)
    (folder / "profiles" / "prod.yaml").unlink()
    assert check.examine(STACK, folder).errors == ()


COVERED = {
    "service: {environment: development, replicas: x}": ":1:37 service.replicas: x is text",
    "service: {environment: development, pool: [1]}": ":1:37 service.pool: is a list",
    "service: 3": ":1:1 service: 3 is a whole number, and a mapping is wanted",
}


@pytest.mark.parametrize("text", COVERED)
def test_a_mistake_in_a_profile_is_told_even_where_the_stack_file_covers_it(
    tmp_path: Path, text: str
) -> None:
    own = "  slipway:service: {environment: development, replicas: 2, pool: {size: 3}}\n"
    folder = folder_with(tmp_path, SOUND + own + SECRETS)
    (folder / "profiles" / "dev.yaml").write_text(text)
    (told,) = messages(folder)
    assert told.startswith(f"profiles/dev.yaml{COVERED[text]}")
