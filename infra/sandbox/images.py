"""Builds the sandbox's images with buildah into archives in the cache, and loads them into containerd.

infra/images.py says what an image is built of and what it is called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from infra.errors import UserError
from infra.images import RECIPES, Catalogue, Image, Recipe, input_files, local_reference, reference
from infra.paths import ROOT, cache_dir
from infra.progress import Progress
from infra.sandbox import build, roots, tools
from infra.sandbox.config import SandboxConfig
from infra.sandbox.running import alone, run, sealed, sync

KEPT_ARCHIVES = 3  # of one image: the present one and two to go back to
LOG_LINES = 20
_TEMPORARY = ".building-"


def folder() -> Path:
    """Where archives, buildah's storage and logs stand; safe to delete while nothing is built."""
    return cache_dir() / "images"


def archive(image: Image) -> Path:
    """The archive of the image as the tree is now, built or not."""
    return folder() / f"{image}-{_tag(reference(image, Catalogue.SANDBOX))}.tar"


def ensure(
    images: Iterable[Image], config: SandboxConfig, progress: Progress, *, stop: threading.Event | None = None
) -> dict[Image, Path | None]:
    """Build the archives that are missing; None stands for an image that ``config``'s cluster has already.

    stop: set from another thread to give up, which raises KeyboardInterrupt here. Raises UserError.
    """
    stop = stop or threading.Event()
    wanted = list(dict.fromkeys(images))
    missing = [image for image in wanted if not archive(image).is_file()]
    there = present(config) if missing else set()
    missing = [image for image in missing if reference(image, Catalogue.SANDBOX) not in there]
    if missing:
        _require("buildah", "tar", "unshare")
        build.check_space()
        for image in missing:
            _ensure_one(image, progress, stop)
    return {image: path if (path := archive(image)).is_file() else None for image in wanted}


def load(config: SandboxConfig, progress: Progress, images: Iterable[Image] | None = None) -> list[str]:
    """Import into the cluster's containerd what it lacks, from the archives; returns the names imported.

    Without ``images``: every image that has an archive. Raises UserError when containerd does not take one.
    """
    there = present(config)
    chosen = list(Image) if images is None else list(images)
    loaded = []
    for image in chosen:
        name, path = reference(image, Catalogue.SANDBOX), archive(image)
        if name in there or (images is None and not path.is_file()):
            continue
        with progress.step(f"image {image}", f"loading {name}"):
            _import(config, path, name)
        loaded.append(name)
    return loaded


def present(config: SandboxConfig) -> set[str]:
    """The image names in the cluster's containerd; empty when it does not run."""
    if not config.containerd_socket.exists():
        return set()
    return set(_ctr(config, "images", "list", "--quiet").stdout.split())


def _import(config: SandboxConfig, path: Path, name: str) -> None:
    if not path.is_file():
        raise UserError.of(
            f"image {name}", "it is not built yet", "run `slipway up` again: it builds what is missing"
        )
    done = _ctr(config, "images", "import", "--snapshotter", "overlayfs", str(path))
    if done.returncode or name not in present(config):
        reason = (done.stderr or done.stdout).strip()[-1000:]
        remedy = f"remove {path} and run `slipway up` again; is the disk full?"
        raise UserError.of(f"image {name}", f"containerd did not take it: {reason}", remedy)
    # The kubelet deletes unused images when the disk fills, and nothing could pull these again.
    _ctr(config, "images", "label", name, "io.cri-containerd.pinned=pinned")


def _ctr(config: SandboxConfig, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["ctr", "--address", str(config.containerd_socket), "--namespace", "k8s.io", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _ensure_one(image: Image, progress: Progress, stop: threading.Event) -> None:
    binary = RECIPES[image].tool
    if binary:
        tools.ensure([binary], progress, stop=stop, use_path=False)
    # One at a time: buildah's storage has one owner, and what a dead one left can be cleared away.
    with alone(folder() / "lock", f"image {image}", progress, stop):
        if archive(image).is_file():
            return
        _sweep()
        _build_image(image, progress, stop)
        _export(image, progress, stop)
    _forget_old(image, progress)


def _build_image(name: str, progress: Progress, stop: threading.Event) -> None:
    """Build the recipe after its bases, unless the storage has it."""
    tag = local_reference(name)
    if _exists(tag):
        return
    recipe = RECIPES[name]
    for base in recipe.bases.values():
        _build_image(base, progress, stop)
    log = _log(name)
    with (
        tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=folder()) as temporary,
        roots.machine_apt() as apt,
    ):
        context = Path(temporary) / "context"
        _fill(context, recipe, Path(temporary), progress, stop)
        named = {argument: local_reference(base) for argument, base in recipe.bases.items()}
        command = _buildah(
            "build",
            "--layers",
            "--quiet",
            "--format",
            "docker",
            "--tag",
            tag,
            "--file",
            ROOT / recipe.dockerfile,
        )
        for argument, value in {**recipe.args, **named}.items():
            command += ["--build-arg", f"{argument}={value}"]
        for mount in _mounts(recipe, apt):
            command += ["--volume", mount]
        with progress.step(f"image {name}", f"building {tag}"):
            if run(sealed([*command, context]), log, stop, env=_environment()):
                raise _failure(name, log)


def _fill(context: Path, recipe: Recipe, work: Path, progress: Progress, stop: threading.Event) -> None:
    """Only what the tag is made of goes into the context, so that two builds of one tag are the same."""
    context.mkdir()
    if recipe.tool and (binary := tools.cached(recipe.tool)):
        shutil.copy(binary, context / recipe.tool)
        return
    near = recipe.name == "debian"
    for path in input_files(recipe):
        target = context / (path.name if near else path.relative_to(ROOT))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    if near:
        roots.make_root(context / "root.tar", work, _log("debootstrap"), progress, stop)


def _mounts(recipe: Recipe, apt: Path) -> list[str]:
    """The machine's own package configuration, seen by the build and in no layer."""
    if recipe.name == Image.SERVICE:
        known = ("/etc/ssl/certs", "/etc/pip.conf")
        return [f"{path}:{path}:ro" for path in known if Path(path).exists()]
    return [f"{apt}:/etc/apt"] if recipe.bases else []


def _export(image: Image, progress: Progress, stop: threading.Event) -> None:
    target, tag = archive(image), reference(image, Catalogue.SANDBOX)
    temporary = folder() / f"{_TEMPORARY}{target.name}"
    log = _log(f"{image}-export")
    with progress.step(f"image {image}", "writing its archive"):
        try:
            if run(sealed(_buildah("push", "--quiet", tag, f"docker-archive:{temporary}:{tag}")), log, stop):
                raise _failure(image, log)
            sync(temporary)
            temporary.rename(target)
            sync(folder())
        finally:
            temporary.unlink(missing_ok=True)


def _buildah(*arguments: str | Path) -> list[str | Path]:
    storage = folder() / "storage"
    places: list[str | Path] = [
        "--root",
        storage / "root",
        "--runroot",
        storage / "run",
        "--storage-driver",
        "overlay",
    ]
    return ["buildah", *places, *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "BUILDAH_ISOLATION": "chroot"}


def _exists(tag: str) -> bool:
    command = [str(part) for part in _buildah("images", "--quiet", tag)]
    return bool(subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip())


def _sweep() -> None:
    """Remove what dead builders left; their mounts went with them, see running.sealed."""
    folder().mkdir(parents=True, exist_ok=True)
    for path in folder().glob(f"{_TEMPORARY}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder() / "storage" / "run", ignore_errors=True)


def _forget_old(image: Image, progress: Progress) -> None:
    archives = sorted(folder().glob(f"{image}-*.tar"), key=lambda path: path.stat().st_mtime)
    for path in archives[:-KEPT_ARCHIVES]:
        path.unlink()
        progress.say(f"image {image}", f"removed the old archive {path.name}")


def _tag(name: str) -> str:
    return name.rpartition(":")[2]


def _log(name: str) -> Path:
    path = folder() / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _require(*commands: str) -> None:
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        raise UserError.of(
            "images", f"not installed: {', '.join(missing)}", f"apt-get install {' '.join(missing)}"
        )


def _failure(name: str, log: Path) -> UserError:
    text = log.read_text(errors="replace")
    tail = "\n    ".join(text.strip().splitlines()[-LOG_LINES:])
    if "no space left on device" in text.lower():
        return UserError.of(f"image {name}", f"the disk is full ({log})", "free 3 GiB, then run it again")
    if "Failed to fetch" in text or "Unable to locate package" in text:
        remedy = "see that `apt-get update` works on this machine: the same mirror is used here"
        return UserError.of(
            f"image {name}", f"a Debian package could not be had; the end of {log}:\n    {tail}", remedy
        )
    remedy = f"mend {RECIPES[name].dockerfile}, or run it again when the cause has gone"
    return UserError.of(f"image {name}", f"its build failed; the end of {log}:\n    {tail}", remedy)
