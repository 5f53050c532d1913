"""The catalogue of container images: public ones by pinned tag, the sandbox's by what they are built of.

Same users and paths in both: postgres, redis and backups 999:999, service 10001:10001, what measures
65534:65534 as do the logs' stores; their collector is root without a capability (docs/decisions/0024).
CoreDNS is 65532:65532 and listens where the Corefile says: above 1024, as it has no capability.
infra/sandbox/images.py builds them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from infra import versions
from infra.errors import UserError
from infra.paths import ROOT

RECIPES_FOLDER = "infra/sandbox/images"
_TOOLS = "infra/sandbox/tools"
_SKIPPED_FOLDERS = frozenset({"__pycache__", "tests", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
_SKIPPED_SUFFIXES = frozenset({".pyc", ".pyo", ".swp"})


class Image(StrEnum):
    """Which program runs in the container?"""

    SERVICE = "service"
    POSTGRES = "postgres"
    REDIS = "redis"
    BACKUPS = "backups"
    VERSITYGW = "versitygw"
    PAUSE = "pause"
    COREDNS = "coredns"
    MONITORING = "monitoring"
    KUBE_STATE_METRICS = "kube-state-metrics"
    PROMETHEUS_ADAPTER = "prometheus-adapter"
    VICTORIA_LOGS = "victoria-logs"
    VLAGENT = "vlagent"


class Meter(StrEnum):
    """Which program of the monitoring? In the sandbox one image holds them all."""

    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    NODE_EXPORTER = "node-exporter"
    POSTGRES_EXPORTER = "postgres-exporter"
    REDIS_EXPORTER = "redis-exporter"
    BLACKBOX_EXPORTER = "blackbox-exporter"


class Catalogue(StrEnum):
    """Where do the images come from: registries, or built on this machine?"""

    PUBLIC = "public"
    SANDBOX = "sandbox"


@dataclass(frozen=True)
class Pinned:
    """A public image. ``digest`` (``sha256:…``) wins over the tag; None until it was seen in the registry."""

    tag: str
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.tag}@{self.digest}" if self.digest else self.tag


PUBLIC: Mapping[Image, Pinned] = {
    Image.POSTGRES: Pinned(f"postgres:{versions.POSTGRES}-bookworm"),
    Image.REDIS: Pinned(f"redis:{versions.REDIS_PATCH}-bookworm"),
    Image.VERSITYGW: Pinned(f"versity/versitygw:v{versions.VERSITYGW}"),
    # Copies, unchanged, beside the others: the projects' own registry is another host.
    Image.KUBE_STATE_METRICS: Pinned(
        f"rancher/mirrored-kube-state-metrics-kube-state-metrics:v{versions.KUBE_STATE_METRICS}"
    ),
    Image.PROMETHEUS_ADAPTER: Pinned(
        f"rancher/mirrored-prometheus-adapter-prometheus-adapter:v{versions.PROMETHEUS_ADAPTER}"
    ),
    Image.VICTORIA_LOGS: Pinned(f"victoriametrics/victoria-logs:v{versions.VICTORIALOGS}"),
    Image.VLAGENT: Pinned(f"victoriametrics/vlagent:v{versions.VICTORIALOGS}"),
}
PUBLIC_METERS: Mapping[Meter, Pinned] = {
    Meter.PROMETHEUS: Pinned(f"prom/prometheus:v{versions.PROMETHEUS}"),
    Meter.ALERTMANAGER: Pinned(f"prom/alertmanager:v{versions.ALERTMANAGER}"),
    Meter.NODE_EXPORTER: Pinned(f"prom/node-exporter:v{versions.NODE_EXPORTER}"),
    Meter.POSTGRES_EXPORTER: Pinned(f"prometheuscommunity/postgres-exporter:v{versions.POSTGRES_EXPORTER}"),
    Meter.REDIS_EXPORTER: Pinned(f"oliver006/redis_exporter:v{versions.REDIS_EXPORTER}"),
    Meter.BLACKBOX_EXPORTER: Pinned(f"prom/blackbox-exporter:v{versions.BLACKBOX_EXPORTER}"),
}


# In public registries alone: the sandbox draws the dashboards instead (docs/decisions/0023).
GRAFANA = Pinned(f"grafana/grafana:{versions.GRAFANA}")


@dataclass(frozen=True)
class Recipe:
    """How a sandbox image is built, all of it part of its tag.

    inputs: files and folders below the project's root that go into the context, whose paths start at
    ``context``; also: what decides as well but stays out of it; args: build argument → value; bases: build
    argument → the recipe of that image; tool: our binary in the context; debootstrap: root.tar is in it; pip:
    packages come from this machine's Python index.
    """

    name: str
    dockerfile: str
    inputs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    args: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    tool: str | None = None
    debootstrap: bool = False
    pip: bool = False
    context: str = "."


def _simple(name: str, base: str = "debian", **args: str) -> Recipe:
    return Recipe(name, f"{RECIPES_FOLDER}/{name}/Dockerfile", args=args, bases={"BASE": base})


def _static(name: str, family: str | None = None) -> Recipe:
    """Our own binary alone; ``family``: the folder that it is built of, where that is called otherwise."""
    built_of = f"{_TOOLS}/{family or name}"
    return Recipe(name, f"{RECIPES_FOLDER}/{name}/Dockerfile", also=(built_of,), tool=name)


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "debian",
            f"{RECIPES_FOLDER}/debian/Dockerfile",
            inputs=(f"{RECIPES_FOLDER}/debian",),
            also=("infra/sandbox/roots.py",),
            args={"DEBIAN": versions.DEBIAN},
            debootstrap=True,
            context=f"{RECIPES_FOLDER}/debian",
        ),
        _simple("python"),
        _simple("python-build", base="python"),
        _simple(Image.POSTGRES, MAJOR=versions.POSTGRES_MAJOR),
        _simple(Image.REDIS),
        _static(Image.PAUSE),
        _static(Image.COREDNS),
        _static(Image.VERSITYGW),
        _static(Image.KUBE_STATE_METRICS),
        _static(Image.PROMETHEUS_ADAPTER),
        _static(Image.VICTORIA_LOGS, "victorialogs"),
        _static(Image.VLAGENT, "victorialogs"),
        _simple(Image.MONITORING),
        Recipe(
            Image.SERVICE,
            "app/Dockerfile",
            inputs=("app", "requirements/service.txt", ".dockerignore"),
            bases={"BUILD_BASE": "python-build", "BASE": "python"},
            pip=True,
        ),
        Recipe(
            Image.BACKUPS,
            "infra/backups/Dockerfile",
            inputs=("infra/__init__.py", "infra/errors.py", "infra/backups", "requirements/backups.txt"),
            bases={"BUILD_BASE": "python-build", "BASE": Image.POSTGRES, "STORE": Image.VERSITYGW},
            pip=True,
        ),
    )
}


def reference(image: Image, catalogue: Catalogue, root: Path = ROOT) -> str:
    """The image's name for a manifest: ``localhost/slipway/<image>:<12 hex>`` or the pinned public name.

    Reads files only (about 5 ms). Raises UserError for the service in the public catalogue: a team's own
    registry has that image, so the stack names it.
    """
    if catalogue is Catalogue.SANDBOX:
        return local_reference(image, root)
    if image not in PUBLIC:
        what = f"the {image} image is in no public registry"
        raise UserError.of(f"image {image}", what, "push it to your registry and name it in the stack file")
    return str(PUBLIC[image])


def meter(wanted: Meter, catalogue: Catalogue) -> str:
    """The image that holds a program of the monitoring; the paths are the same in both catalogues."""
    if catalogue is Catalogue.SANDBOX:
        return local_reference(Image.MONITORING)
    return str(PUBLIC_METERS[wanted])


def local_reference(name: str, root: Path = ROOT) -> str:
    """The name of a recipe's image, tagged by everything that it is built of."""
    return f"localhost/slipway/{name}:{digest(name, root)[:12]}"


def digest(name: str, root: Path = ROOT) -> str:
    """SHA-256 over the recipe, its Dockerfile and inputs, and the digests of its bases."""
    recipe = RECIPES[name]
    bases = {argument: digest(base, root) for argument, base in sorted(recipe.bases.items())}
    total = hashlib.sha256(repr((recipe.name, sorted(recipe.args.items()), bases)).encode())
    for path in [root / recipe.dockerfile, *input_files(recipe, root), *_files(recipe.also, root)]:
        executable = os.access(path, os.X_OK)
        total.update(f"{path.relative_to(root)} {executable} {path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def tools_of(name: str) -> tuple[str, ...]:
    """Our own binaries in the recipe's image, those of its bases included."""
    recipe = RECIPES[name]
    own = (recipe.tool,) if recipe.tool else ()
    return (*own, *(tool for base in recipe.bases.values() for tool in tools_of(base)))


def input_files(recipe: Recipe, root: Path = ROOT) -> list[Path]:
    """Every file of the image's context, sorted; caches, compiled files and tests are left out."""
    return _files(recipe.inputs, root)


def _files(names: tuple[str, ...], root: Path) -> list[Path]:
    found: set[Path] = set()
    for path in (root / name for name in names):
        found.update([path] if path.is_file() else _walk(path))
    return sorted(found)


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED_FOLDERS]
        yield from (Path(place) / name for name in files if Path(name).suffix not in _SKIPPED_SUFFIXES)
