"""The user's own kubeconfig: our entries come in, everything else stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from infra.errors import UserError
from infra.sandbox import kubeconfig

pytestmark = pytest.mark.unit


def written(path: Path, name: str, server: str = "https://a") -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": f"{name}-admin", "user": {"client-key-data": "xx"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-admin"}}],
        "current-context": name,
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_missing_file_is_made_for_its_owner_only(tmp_path: Path) -> None:
    source, target = written(tmp_path / "ours", "slipway"), tmp_path / "home" / ".kube" / "config"
    kubeconfig.merge(source, target)
    assert yaml.safe_load(target.read_text()) == yaml.safe_load(source.read_text())
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_other_clusters_and_the_current_context_stay(tmp_path: Path) -> None:
    source, target = written(tmp_path / "ours", "slipway"), written(tmp_path / "theirs", "work")
    kubeconfig.merge(source, target)
    merged = yaml.safe_load(target.read_text())
    assert [entry["name"] for entry in merged["clusters"]] == ["work", "slipway"]
    assert merged["current-context"] == "work"


def test_an_older_entry_of_ours_is_replaced(tmp_path: Path) -> None:
    source = written(tmp_path / "ours", "slipway", "https://new")
    target = written(tmp_path / "theirs", "slipway", "https://old")
    kubeconfig.merge(source, target)
    assert yaml.safe_load(target.read_text())["clusters"] == [
        {"name": "slipway", "cluster": {"server": "https://new"}}
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [("a: [", "theirs:1:5: is not YAML"), ("- 1\n", "theirs: is not a kubeconfig (kind: Config)")],
)
def test_a_broken_file_is_left_as_it_is(tmp_path: Path, content: str, message: str) -> None:
    target = tmp_path / "theirs"
    target.write_text(content)
    with pytest.raises(UserError) as caught:
        kubeconfig.merge(written(tmp_path / "ours", "slipway"), target)
    assert f"{tmp_path}/{message}" in str(caught.value)
    assert target.read_text() == content
