"""The sandbox's images as archives in the cache, and in the cluster's containerd.

infra/images.py says what an image is made of and what it is called; buildah.py builds one.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

from infra.errors import UserError
from infra.images import Catalogue, Image, reference, tools_of
from infra.paths import ROOT
from infra.progress import Progress
from infra.sandbox import build, buildah, tools
from infra.sandbox.config import SandboxConfig
from infra.sandbox.running import alone

KEPT_ARCHIVES = 3  # of one image: the present one and two to go back to


def archive(image: Image) -> Path:
    """The archive of the image as the tree is now, built or not."""
    return _archive_of(image, reference(image, Catalogue.SANDBOX))


def ensure(
    images: Iterable[Image],
    config: SandboxConfig,
    progress: Progress,
    *,
    stop: threading.Event | None = None,
    root: Path = ROOT,
) -> dict[Image, Path | None]:
    """Build the archives that are missing; None stands for an image that ``config``'s cluster has already.

    root: the project's files, as they are now or as they once were. stop: set from another thread to give
    up, which raises KeyboardInterrupt here. Threads may share it.
    Raises UserError: a program is missing, the disk is full, a package cannot be had, a Dockerfile fails.
    """
    wanted = {image: reference(image, Catalogue.SANDBOX, root) for image in images}
    missing = [image for image, name in wanted.items() if not _archive_of(image, name).is_file()]
    there = present(config) if missing else set()
    missing = [image for image in missing if wanted[image] not in there]
    if missing:
        _require_programs()
        build.check_space()
    for image in missing:
        _ensure_one(image, wanted[image], progress, stop or threading.Event(), root)
    paths = {image: _archive_of(image, name) for image, name in wanted.items()}
    return {image: path if path.is_file() else None for image, path in paths.items()}


def load(
    config: SandboxConfig, progress: Progress, images: Iterable[Image] | None = None, root: Path = ROOT
) -> list[str]:
    """Import into the cluster's containerd what it lacks, from the archives; returns the names imported.

    Without ``images``: every image that has an archive. Raises UserError when containerd does not take one.
    """
    there = present(config)
    loaded = []
    for image in list(Image) if images is None else images:
        name = reference(image, Catalogue.SANDBOX, root)
        path = _archive_of(image, name)
        if name in there or (images is None and not path.is_file()):
            continue
        with progress.step(f"image {image}", f"loading {name}"):
            _import(config, path, name)
        _unload_old(config, image)
        loaded.append(name)
    return loaded


def present(config: SandboxConfig) -> set[str]:
    """The image names in the cluster's containerd; empty when it does not run."""
    return set(_digests(config))


def _digests(config: SandboxConfig) -> dict[str, str]:
    if not config.containerd_socket.exists():
        return {}
    rows = [line.split() for line in _ctr(config, "images", "list").stdout.splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) > 2}


def _ensure_one(image: Image, name: str, progress: Progress, stop: threading.Event, root: Path) -> None:
    if binaries := tools_of(image):
        tools.ensure(binaries, progress, stop=stop, use_path=False)
    target = _archive_of(image, name)
    # One at a time: buildah's storage has one owner, and what a dead one left can be cleared away.
    with alone(buildah.folder() / "lock", f"image {image}", progress, stop):
        if target.is_file():
            return
        buildah.sweep()
        buildah.build(image, progress, stop, root)
        with progress.step(f"image {image}", "writing its archive"):
            buildah.export(image, name, target, stop)
    _forget_old(image, progress)


def _import(config: SandboxConfig, path: Path, name: str) -> None:
    if not path.is_file():
        raise UserError.of(f"image {name}", "it is not built", "run `slipway up`: it builds what is missing")
    done = _ctr(config, "images", "import", "--snapshotter", "overlayfs", str(path))
    if done.returncode or name not in present(config):
        reason = (done.stderr or done.stdout).strip()[-1000:]
        remedy = f"see that the disk has room, remove {path} and run `slipway up` again"
        raise UserError.of(f"image {name}", f"containerd did not take it: {reason}", remedy)


def _unload_old(config: SandboxConfig, image: Image) -> None:
    """Forget images whose archive has gone, under the kubelet's second name (``sha256:…``) as well.

    None goes before there are as many archives as are kept: the cache may have been emptied.
    """
    archives = {path.name for path in buildah.folder().glob(f"{image}-*.tar")}
    prefix = reference(image, Catalogue.SANDBOX).rpartition(":")[0] + ":"
    digests = _digests(config)
    ours = [name for name in digests if name.startswith(prefix)]
    kept = {digests[name] for name in ours if _archive_of(image, name).name in archives}
    gone = {digests[name] for name in ours} - kept
    if gone and len(archives) >= KEPT_ARCHIVES:
        _ctr(config, "images", "remove", *(name for name, digest in digests.items() if digest in gone))


def _ctr(config: SandboxConfig, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["ctr", "--address", str(config.containerd_socket), "--namespace", "k8s.io", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _forget_old(image: Image, progress: Progress) -> None:
    archives = sorted(buildah.folder().glob(f"{image}-*.tar"), key=lambda path: path.stat().st_mtime)
    for path in archives[:-KEPT_ARCHIVES]:
        path.unlink(missing_ok=True)
        progress.say(f"image {image}", f"removed the old archive {path.name}")


def _archive_of(image: Image, name: str) -> Path:
    return buildah.folder() / f"{image}-{name.rpartition(':')[2]}.tar"


def _require_programs() -> None:
    packages = {"buildah": "buildah", "unshare": "util-linux", "tar": "tar"}
    missing = [package for program, package in packages.items() if shutil.which(program) is None]
    if missing:
        what = f"not installed: {', '.join(missing)}"
        raise UserError.of("images", what, f"apt-get install {' '.join(missing)}")
