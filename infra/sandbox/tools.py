"""The binaries that slipway runs, at their pinned versions: PATH's, else built once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra import versions
from infra.errors import Problem, UserError
from infra.paths import TOOLS, cache_dir
from infra.progress import Progress
from infra.sandbox import build, go, tool_versions
from infra.sandbox.build import Companion, Family
from infra.sandbox.tool_versions import CILIUM_PROGRAMS, KUBERNETES_PROGRAMS, VICTORIALOGS_PROGRAMS

_CILIUM = "github.com/cilium/cilium"
# What the agent compiles for a pod.
_BPF = Companion(TOOLS / "cilium", f"{_CILIUM}@v{versions.CILIUM}", "bpf")
_SDK = f"github.com/pulumi/pulumi/sdk/v3@v{versions.PULUMI}"


def _of_cilium(name: str, path: str, *companions: Companion) -> Family:
    """One program each: go build would call them all by their folders."""
    binaries, version = {name: f"{_CILIUM}/{path}"}, f"{_CILIUM}/pkg/version.ciliumVersion={versions.CILIUM}"
    tags = "osusergo,ipam_provider_operator"
    return Family(name, TOOLS / "cilium", binaries, f"-s -w -X {version}", tags, companions)


# In the order of their building: what the cluster needs comes first, so that it starts while Pulumi builds.
FAMILIES: tuple[Family, ...] = (
    Family("pause", TOOLS / "pause", {"pause": "."}, f"-s -w -X main.version=v{versions.PAUSE}"),
    Family("etcd", TOOLS / "etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Family(
        "kubernetes",
        TOOLS / "kubernetes",
        {name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS},
        f"-s -w -X k8s.io/component-base/version.gitVersion=v{versions.KUBERNETES}",
    ),
    Family("coredns", TOOLS / "coredns", {"coredns": "."}),
    Family(
        "versitygw",
        TOOLS / "versitygw",
        {"versitygw": "github.com/versity/versitygw/cmd/versitygw"},
        f"-s -w -X main.Version=v{versions.VERSITYGW}",
    ),
    Family(
        "kube-state-metrics",
        TOOLS / "kube-state-metrics",
        {"kube-state-metrics": "k8s.io/kube-state-metrics/v2"},
        f"-s -w -X github.com/prometheus/common/version.Version=v{versions.KUBE_STATE_METRICS}",
    ),
    Family(
        "victorialogs",
        TOOLS / "victorialogs",
        {name: f"github.com/VictoriaMetrics/VictoriaLogs/app/{name}" for name in VICTORIALOGS_PROGRAMS},
        "-s -w -X github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version="
        f"victorialogs-v{versions.VICTORIALOGS}",
    ),
    Family(
        "metrics-server",
        TOOLS / "metrics-server",
        {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
        f"-s -w -X k8s.io/client-go/pkg/version.gitVersion=v{versions.METRICS_SERVER}",
    ),
    Family(
        "prometheus-adapter",
        TOOLS / "prometheus-adapter",
        {"prometheus-adapter": "sigs.k8s.io/prometheus-adapter/cmd/adapter"},
    ),
    _of_cilium("cilium-agent", "daemon", _BPF),
    _of_cilium("cilium-operator", "operator"),
    _of_cilium("cilium-cni", "plugins/cilium-cni"),
    Family(
        "actionlint",
        TOOLS / "actionlint",
        {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"},
        f"-s -w -X github.com/rhysd/actionlint.version=v{versions.ACTIONLINT}",
    ),
    Family(
        "pulumi-python",
        TOOLS / "pulumi-python",
        {"pulumi-language-python": "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"},
        companions=(
            Companion(TOOLS / "pulumi", _SDK, "python/cmd/pulumi-language-python-exec"),
            Companion(TOOLS / "pulumi", _SDK, "python/dist/pulumi-resource-pulumi-python"),
        ),
    ),
    Family(
        "pulumi",
        TOOLS / "pulumi",
        {"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
        f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{versions.PULUMI}",
    ),
)
CLUSTER_TOOLS = ("pause", "etcd", *KUBERNETES_PROGRAMS, "coredns")
PULUMI_TOOLS = ("pulumi-language-python", "pulumi")
STORE_TOOLS = ("versitygw",)  # for stacks whose backups go to a store in the cluster
METER_TOOLS = ("kube-state-metrics", "prometheus-adapter")  # for stacks that are measured
LOG_TOOLS = VICTORIALOGS_PROGRAMS  # for stacks whose logs are kept
PIPELINE_TOOLS = ("actionlint",)  # for tests of what is rendered for GitHub
USE_TOOLS = ("metrics-server",)  # for clusters that say what pods use: kubectl top, autoscalers
POLICY_TOOLS = CILIUM_PROGRAMS  # for clusters that enforce NetworkPolicies
NAMES = (
    *CLUSTER_TOOLS,
    *STORE_TOOLS,
    *METER_TOOLS,
    *LOG_TOOLS,
    *USE_TOOLS,
    *POLICY_TOOLS,
    *PIPELINE_TOOLS,
    *PULUMI_TOOLS,
)


class Source(StrEnum):
    """Where does this tool come from?"""

    PATH = "path"
    CACHE = "cache"
    MISSING = "missing"


@dataclass(frozen=True)
class ToolStatus:
    """One tool: the version wanted, the binary that would run (None: not built), and PATH's unfit ones."""

    name: str
    wanted: str
    source: Source
    path: Path | None
    ignored: tuple[str, ...]  # "<path> (<its version>)", on PATH but not of the wanted version


def family_of(name: str) -> Family:
    """The family that ``name`` is built in. Raises KeyError for a name that is not one of NAMES."""
    return next(family for family in FAMILIES if name in family.binaries)


def tool(name: str) -> Path:
    """A usable binary of the pinned version: PATH's, else the cache's. Raises UserError without one."""
    path = _on_path(name)[0] or cached(name)
    if path is None:
        raise UserError.of(f"tool {name}", "it is not built yet", f"slipway tools build {name}")
    return path


def require(names: Iterable[str]) -> None:
    """Raises UserError that lists every tool of ``names`` which is neither on PATH nor built."""
    problems: list[Problem] = []
    for name in names:
        try:
            tool(name)
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(problems)


def cached(name: str) -> Path | None:
    """The binary in the cache, or None: for what must be our own static build, as the images' binaries."""
    folder = build.found(family_of(name))
    return folder / name if folder else None


def bin_folders() -> list[Path]:
    """The folders that hold the Pulumi CLI and its language host, for PATH. Raises UserError if not built."""
    return list(dict.fromkeys(tool(name).parent for name in PULUMI_TOOLS))


def ensure(
    names: Iterable[str],
    progress: Progress,
    on_done: Callable[[str], None] | None = None,
    *,
    stop: threading.Event | None = None,
    use_path: bool = True,
) -> dict[str, Path]:
    """Build what is missing of ``names``, the cluster's first, and return name → binary.

    on_done: called with each name as soon as it can be used. stop: set from another thread to give up, which
    raises KeyboardInterrupt here. use_path=False takes only our own builds. Several threads may call it.
    Raises UserError with every problem that is known when the first build fails.
    """
    wanted = list(dict.fromkeys(names))
    have = {name: path for name in wanted if (path := _on_path(name)[0] if use_path else None)}
    stop = stop or threading.Event()
    to_build = set(wanted) - set(have)
    families = [family for family in FAMILIES if to_build & set(family.binaries)]
    _check([family for family in families if not build.found(family)])
    for name in have:
        _tell(on_done, name)
    with _fetching([family for family in families if not build.found(family)]) as fetches:
        for family in families:
            folder = _build(family, progress, stop, fetches)
            for name in sorted(to_build & set(family.binaries)):
                have[name] = folder / name
                _tell(on_done, name)
    return {name: have[name] for name in wanted}


def describe(names: Iterable[str] = NAMES) -> list[ToolStatus]:
    """Every tool with its state, for ``slipway doctor`` and ``slipway tools list``."""
    return [_status(name) for name in names]


def problems() -> list[Problem]:
    """What would stop a build of the missing tools, for ``slipway doctor``."""
    try:
        _check([family_of(name) for name in NAMES if _status(name).path is None])
    except UserError as error:
        return list(error.problems)
    return []


def wanted_version(name: str) -> str:
    """The pinned version; the language host's is that of the CLI, which it is shipped with."""
    return tool_versions.VERSIONS.get(name, tool_versions.VERSIONS["pulumi"]).wanted


def _status(name: str) -> ToolStatus:
    path, ignored = _on_path(name)
    if path:
        return ToolStatus(name, wanted_version(name), Source.PATH, path, ignored)
    path = cached(name)
    return ToolStatus(name, wanted_version(name), Source.CACHE if path else Source.MISSING, path, ignored)


def _tell(on_done: Callable[[str], None] | None, name: str) -> None:
    if on_done:
        on_done(name)


def _check(families: list[Family]) -> None:
    """Everything that would stop a build and can be known before it, at once."""
    problems: list[Problem] = []
    for family in families:
        try:
            go.toolchain(family.source)
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(dict.fromkeys(problems))
    if families:
        build.check_space()


@contextmanager
def _fetching(families: list[Family]) -> Iterator[dict[str, Future[Problem | None]]]:
    """Downloads run ahead in one thread: they wait for the network while the compiler has the processors."""
    leave = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        try:
            yield {family.name: pool.submit(build.fetch, family, leave) for family in families[1:]}
        except BaseException:
            leave.set()
            pool.shutdown(cancel_futures=True)
            raise


def _build(
    family: Family, progress: Progress, stop: threading.Event, fetches: dict[str, Future[Problem | None]]
) -> Path:
    try:
        return build.build(family, progress, stop)
    except UserError as error:
        fetched = [fetch.result() for name, fetch in fetches.items() if name != family.name and fetch.done()]
        raise UserError(dict.fromkeys([*error.problems, *filter(None, fetched)])) from None


def _on_path(name: str) -> tuple[Path | None, tuple[str, ...]]:
    """PATH's binary of the pinned version, and the others as text. The cache's own folders do not count."""
    ignored: list[str] = []
    for path in _candidates(name):
        version = _version_of(name, path)
        if version == wanted_version(name):
            return path, tuple(ignored)
        ignored.append(f"{path} ({version or 'no version'})")
    return None, tuple(ignored)


def _candidates(name: str) -> Iterator[Path]:
    for entry in dict.fromkeys(os.environ.get("PATH", "").split(os.pathsep)):
        path = Path(entry) / name
        if entry and os.access(path, os.X_OK) and path.is_file() and cache_dir() not in path.parents:
            yield path


def _version_of(name: str, path: Path) -> str | None:
    """What the binary says of itself. The language host cannot: it goes with the CLI beside it."""
    if name == "pulumi-language-python":
        beside = path.with_name("pulumi")
        return tool_versions.said("pulumi", beside) if beside.is_file() else None
    return tool_versions.said(name, path)
