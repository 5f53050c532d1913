"""Which binary is used: PATH's of the pinned version, else the cache's; and the order of building."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra import versions
from infra.errors import UserError
from infra.sandbox import tool_versions, tools
from tests.infra.sandbox.helpers import module, program, progress

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("cache")]


def test_a_tool_of_the_pinned_version_on_path_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    there = program(tmp_path / "bin", "etcd", f"etcd Version: {versions.ETCD}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    assert tools.tool("etcd") == there
    assert tools.ensure(["etcd"], progress()) == {"etcd": there}
    assert not cache.exists()


def test_a_tool_of_another_version_on_path_is_not_used_and_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = program(tmp_path / "bin", "etcd", "etcd Version: 3.4.23")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    with pytest.raises(UserError, match=r"tool etcd: it is not built yet\n.*slipway tools build etcd"):
        tools.tool("etcd")
    (status,) = tools.describe(["etcd"])
    assert (status.source, status.wanted, status.path) == (tools.Source.MISSING, versions.ETCD, None)
    assert status.ignored == (f"{old} (3.4.23)",)


def test_a_fitting_tool_further_down_path_wins_over_an_unfit_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "old", "kubectl", "Client Version: v1.20.0")
    fit = program(tmp_path / "new", "kubectl", f"Client Version: v{versions.KUBERNETES}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:{tmp_path / 'new'}:{os.environ['PATH']}")
    assert tools.tool("kubectl") == fit


def test_the_language_host_on_path_goes_with_the_cli_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = program(tmp_path / "bin", "pulumi-language-python", "it has no version flag")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    assert tools.describe([host.name])[0].source is tools.Source.MISSING
    program(tmp_path / "bin", "pulumi", f"v{versions.PULUMI}")
    assert tools.describe([host.name])[0].path == host


def test_all_missing_tools_are_named_at_once() -> None:
    with pytest.raises(UserError) as failed:
        tools.require(["kubelet", "coredns"])
    assert [problem.where for problem in failed.value.problems] == ["tool kubelet", "tool coredns"]


def test_tools_are_built_in_the_cluster_s_order_and_each_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = tuple(module(tmp_path / "src" / name) for name in ("first", "second", "third"))
    monkeypatch.setattr(tools, "FAMILIES", families)
    done: list[str] = []
    built = tools.ensure(["third", "first"], progress(), done.append, use_path=False)
    assert done == ["first", "third"]
    assert list(built) == ["third", "first"]
    assert all(path.is_file() for path in built.values())


def test_pulumi_is_built_last_and_every_tool_has_one_family() -> None:
    assert [family.name for family in tools.FAMILIES][-2:] == ["pulumi-python", "pulumi"]
    assert sorted(name for family in tools.FAMILIES for name in family.binaries) == sorted(tools.NAMES)


def test_the_pinned_versions_are_those_of_the_modules() -> None:
    sums = {family.name: (family.source / "go.mod").read_text() for family in tools.FAMILIES}
    assert f"k8s.io/kubernetes v{versions.KUBERNETES}" in sums["kubernetes"]
    assert f"go.etcd.io/etcd/server/v3 v{versions.ETCD}" in sums["etcd"]
    assert f"github.com/coredns/coredns v{versions.COREDNS}" in sums["coredns"]
    assert f"github.com/versity/versitygw v{versions.VERSITYGW}" in sums["versitygw"]
    ours = versions.KUBE_STATE_METRICS
    assert f"k8s.io/kube-state-metrics/v2 v{ours}" in sums["kube-state-metrics"]
    assert f"VictoriaMetrics/VictoriaLogs v{versions.VICTORIALOGS}" in sums["victorialogs"]
    assert f"github.com/pulumi/pulumi/pkg/v3 v{versions.PULUMI}" in sums["pulumi"]


def test_every_family_that_needs_a_newer_go_is_listed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = [module(tmp_path / "src" / name, needs="1.99.7") for name in ("one", "two")]
    monkeypatch.setattr(tools, "FAMILIES", tuple(future))
    known = {name: tool_versions.VERSIONS["pause"] for name in ("one", "two")}
    monkeypatch.setattr(tool_versions, "VERSIONS", known)
    with pytest.raises(UserError) as failed:
        tools.ensure(["one", "two"], progress(), use_path=False)
    assert [problem.what.partition(" is too old: ")[2] for problem in failed.value.problems] == [
        "one/go.mod needs 1.99.7 or newer",
        "two/go.mod needs 1.99.7 or newer",
    ]
