"""Every secret's value is searched wherever it must not be; it is in Secret data and nowhere else.

Also the values of the future: every secret is rotated in a copy of the stack file, and previewed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra import stack as stacks
from infra import stack_secrets
from infra.paths import ROOT, cache_dir, stacks_dir, state_dir
from infra.render import backup_keys, generate
from infra.sandbox.config import SandboxConfig
from infra.settings.layers import stack_file
from infra.settings.secrets import SecretName
from tests.live.conftest import STACK, Kubectl
from tests.live.service.traces import below, searcher, shapes

pytestmark = pytest.mark.live
Run = Callable[..., subprocess.CompletedProcess[str]]
Found = Callable[[str], list[str]]
KINDS = (
    "configmaps,pods,services,deployments,statefulsets,replicasets,cronjobs,jobs,"
    "persistentvolumeclaims,events"
)
BACKUP_KEY = SecretName.BACKUP_KEY.value


@pytest.fixture(scope="module")
def values(outputs: dict[str, Any]) -> dict[str, str]:
    """Each secret of the sandbox by name."""
    names = [item.name for item in stack_secrets.held(STACK) if item.there]
    return {name.value: stacks.secret(STACK, name) for name in names}


@pytest.fixture(scope="module")
def derived(values: dict[str, str], outputs: dict[str, Any]) -> dict[str, str]:
    """Every key that follows from backupKey; of the long ones a line."""
    key = values[BACKUP_KEY]
    certificate = backup_keys.store_certificate(key, f"object-store.{outputs['namespace']}.svc")
    users = {f"the store's {user}": backup_keys.user_secret(key, user) for user in backup_keys.User}
    return {
        "the signing key": backup_keys.signing_key(key),
        "the identity": backup_keys.identity(key).splitlines()[4],
        "the store's certificate": certificate.key.splitlines()[1],
        **users,
    }


@pytest.fixture(scope="module")
def found(values: dict[str, str], derived: dict[str, str]) -> Found:
    """``found(text)``: the names of the secrets whose values stand in it, in any shape."""
    return searcher({**values, **derived})


def places(texts: Mapping[str, str], found: Found) -> dict[str, list[str]]:
    """Where a secret stands, and which."""
    return {where: names for where, text in texts.items() if (names := found(text))}


def both(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_value_is_found_in_every_shape(before: str) -> None:
    from base64 import b64encode

    value = "Zq-3_f" * 7 + "x"
    assert any(shape in b64encode(f"{before}{value}:rest".encode()).decode() for shape in shapes(value))


def test_the_search_finds_every_value_where_it_is_shown(
    pulumi: Run, kubectl: Kubectl, values: dict[str, str], derived: dict[str, str], found: Found
) -> None:
    """The secret backupKey itself reaches no pod: what follows from it does."""
    assert found(both(pulumi("config", "--show-secrets"))) == list(values)
    in_use = [*(name for name in values if name != BACKUP_KEY), *derived]
    assert found(both(pulumi("stack", "export", "--show-secrets"))) == in_use
    assert found(kubectl("get", "secrets", "--output", "json")) == in_use


def test_a_secret_object_holds_it_in_its_data_only(kubectl: Kubectl, found: Found) -> None:
    items = json.loads(kubectl("get", "secrets", "--output", "json", "--show-managed-fields"))["items"]
    assert items
    for item in items:
        del item["data"]
    assert found(json.dumps(items)) == []


def test_no_secret_stands_in_the_process_list(found: Found) -> None:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_text(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    assert found("\n".join(lines)) == []


def test_no_secret_stands_in_pulumis_state_history_or_logs(found: Found) -> None:
    texts = {**below(state_dir() / "pulumi"), **below(state_dir() / "pulumi-home")}
    assert texts
    assert places(texts, found) == {}


def test_no_secret_stands_in_the_stack_files_or_the_renders(found: Found) -> None:
    texts = {**below(stacks_dir()), **{str(path): text for path, text in generate.outputs().items()}}
    assert places(texts, found) == {}


def test_no_secret_stands_in_the_repository_or_the_cache(found: Found) -> None:
    listing = ["git", "ls-files", "--cached", "--others"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    files = [ROOT / name for name in names if ".venv/" not in name and (ROOT / name).is_file()]
    texts = {str(path): path.read_bytes().decode("latin-1") for path in files}
    assert places(texts, found) == {}
    small = [path for path in cache_dir().rglob("*") if path.is_file() and path.stat().st_size < 2**20]
    assert places({str(path): path.read_bytes().decode("latin-1") for path in small}, found) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("preview",),
        ("preview", "--json"),
        ("preview", "--diff", "--show-sames", "--refresh"),
        ("preview", "-v=8", "--logtostderr", "--logflow"),  # 9 prints them: it is the engine's own trace
        ("stack", "export"),
        ("stack", "history", "--json"),
        ("stack", "output", "--json"),
        ("config", "--json"),
    ],
    ids=" ".join,
)
def test_no_secret_is_shown_by_pulumi(pulumi: Run, found: Found, arguments: tuple[str, ...]) -> None:
    assert found(both(pulumi(*arguments))) == []


def test_no_secret_is_shown_by_slipway(slipway: Run, found: Found) -> None:
    for arguments in (("status", "--json"), ("env",), ("secrets", "list", "--json"), ("sandbox", "status")):
        assert found(both(slipway(*arguments))) == []


def test_no_secret_is_written_to_a_log(kubectl: Kubectl, found: Found) -> None:
    assert places(below(SandboxConfig().logs), found) == {}
    pods = json.loads(kubectl("get", "pods", "--output", "json"))["items"]
    assert len(pods) >= 3
    for pod in pods:
        name = pod["metadata"]["name"]
        log = kubectl("logs", name, "--all-containers", "--tail", "-1")
        assert log, f"{name} wrote no log"
        assert found(log) == [], name


def test_no_secret_stands_in_another_object_or_its_description(kubectl: Kubectl, found: Found) -> None:
    assert found(kubectl("get", KINDS, "--output", "json", "--show-managed-fields")) == []
    # Not of events: they expire between its two looks, and their texts stand in the answer above.
    described = KINDS.replace("events", "secrets")
    assert found(kubectl("describe", described)) == []


def test_secrets_are_encrypted_in_etcd(found: Found) -> None:
    texts = below(SandboxConfig().state / "etcd")
    assert any(name.endswith("/db") for name in texts), "etcd's files were not found"
    assert places(texts, found) == {}


@pytest.fixture(scope="module")
def rotated(outputs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a copy of the stack file in which every secret is another."""
    folder = tmp_path_factory.mktemp("stacks")
    shutil.copy2(stack_file(STACK), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPWAY_STACKS", str(folder))
        yield folder


def test_neither_old_nor_new_values_are_shown_by_the_preview_of_a_rotation(
    rotated: Path, slipway: Run, found: Found
) -> None:
    said = both(slipway("secrets", "rotate", "--all", STACK))
    new = {item.name.value: stacks.secret(STACK, item.name) for item in stack_secrets.held(STACK)}
    environment = {**os.environ, **stacks.environment(STACK)}
    file = str(rotated / f"Pulumi.{STACK}.yaml")
    for form in (["--diff"], ["--json"], ["--diff", "-v=8", "--logtostderr"]):
        command = ["pulumi", "preview", *form, "--stack", STACK, "--config-file", file, "--non-interactive"]
        answer = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        shown = both(answer)
        assert "replace" in shown or form == ["--json"]
        said += shown
    assert found(said) == []
    assert searcher(new)(said) == []
    assert places(below(state_dir() / "pulumi") | below(state_dir() / "pulumi-home"), searcher(new)) == {}
