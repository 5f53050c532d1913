"""Builds a recipe of infra/images.py with buildah, in a storage of our own; images.py says which and when."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

from infra.errors import UserError
from infra.images import RECIPES, Image, Recipe, input_files, local_reference
from infra.paths import ROOT, cache_dir
from infra.progress import Progress
from infra.sandbox import machine, roots, tools
from infra.sandbox.running import run, sealed, sync, tail

TEMPORARY = ".building-"
KEPT_IMAGES = 3  # of one recipe in the storage: as many as there are archives
KEPT_STAGES = 2  # unnamed: the service's build stages, which hold its installed packages
_APT = "see that `apt-get update` works on this machine: the same mirror is used here"
_PIP = "see that `pip download` works on this machine: the same index is used here"
_CAUSES = {
    "no space left on device": ("the disk is full", "free 3 GiB, then run it again"),
    "Failed to fetch": ("a Debian package could not be had", _APT),
    "Unable to locate package": ("a Debian package could not be had", _APT),
    "Could not find a version": ("a Python package could not be had", _PIP),
    "NewConnectionError": ("a Python package could not be had", _PIP),
    "DO NOT MATCH THE HASHES": ("a Python package is not the one that was locked", "run scripts/lock"),
}


def folder() -> Path:
    """Where archives, buildah's storage and logs stand; safe to delete while nothing is built."""
    return cache_dir() / "images"


def build(name: str, progress: Progress, stop: threading.Event, root: Path = ROOT) -> None:
    """Build the recipe ``name`` after its bases, unless the storage has it. ``root``: the project's files, as
    they are now or as they once were. Raises UserError."""
    tag, recipe = local_reference(name, root), RECIPES[name]
    if _exists(tag):
        return
    for base in recipe.bases.values():
        build(base, progress, stop, root)
    with _scratch() as scratch:
        work = Path(scratch)
        _fill(work / "context", recipe, work, progress, stop, root)
        if local_reference(name, root) != tag:
            raise UserError.of(f"image {name}", "its files changed while they were read", "run it again")
        with progress.step(f"image {name}", f"building {tag}"):
            command = [*_buildah("build"), *_options(recipe, tag, work, root), work / "context"]
            _run(name, command, log_of(name), stop)
    _prune(name)


def export(name: str, tag: str, target: Path, stop: threading.Event) -> None:
    """Write the image ``tag`` as an archive that ``ctr images import`` reads; ``target`` appears whole."""
    temporary = target.with_name(f"{TEMPORARY}{target.name}")
    try:
        _run(name, _buildah("push", "--quiet", tag, f"docker-archive:{temporary}:{tag}"), log_of(name), stop)
        sync(temporary)
        temporary.rename(target)
        sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sweep() -> None:
    """Remove what dead builders left, for the lock's holder. Their mounts went with them: running.sealed."""
    folder().mkdir(parents=True, exist_ok=True)
    for path in folder().glob(f"{TEMPORARY}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(_storage() / "run", ignore_errors=True)


def log_of(name: str) -> Path:
    """The log of the last build of ``name``."""
    path = folder() / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _fill(
    context: Path, recipe: Recipe, work: Path, progress: Progress, stop: threading.Event, root: Path
) -> None:
    """Only what the tag is made of goes into the context, so that two builds of one tag are the same."""
    context.mkdir()
    if recipe.tool and (binary := tools.cached(recipe.tool)):
        shutil.copy(binary, context / recipe.tool)
    below = root / recipe.context
    for path in input_files(recipe, root):
        target = context / path.relative_to(below)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    if recipe.debootstrap:
        roots.make_root(context / "root.tar", work, log_of("debootstrap"), progress, stop)


def _options(recipe: Recipe, tag: str, work: Path, root: Path) -> list[str | Path]:
    # The docker format, as the other one has no HEALTHCHECK.
    options: list[str | Path] = ["--layers", "--quiet", "--format", "docker", "--isolation", "chroot"]
    options += ["--tag", tag, "--file", root / recipe.dockerfile]
    bases = {argument: local_reference(base, root) for argument, base in recipe.bases.items()}
    for argument, value in {**recipe.args, **bases}.items():
        options += ["--build-arg", f"{argument}={value}"]
    if recipe.pip:  # a secret, as a volume would leave its empty file in every stage's image
        options += ["--secret", f"id=pip,src={machine.pip_file(work / 'pip')}"]
    for mount in _mounts(recipe, work):
        options += ["--volume", mount]
    return options


def _mounts(recipe: Recipe, work: Path) -> list[str]:
    """The authorities for pip's index, and this machine's Debian mirror for what is no image of ours."""
    mounts = machine.pip_trust() if recipe.pip else []
    if recipe.bases and recipe.name != Image.SERVICE:
        mounts.append(f"{machine.apt_folder(work / 'apt')}:/etc/apt")
    return mounts


def _scratch() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder that sweep() knows; a process still dying in it does not fail the clean-up."""
    folder().mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder(), ignore_cleanup_errors=True)


def _storage() -> Path:
    return folder() / "storage"


def _buildah(*arguments: str) -> list[str | Path]:
    places: list[str | Path] = ["--root", _storage() / driver(), "--runroot", _storage() / "run"]
    return _aside(["buildah", *places, "--storage-driver", driver(), *arguments])


def _aside(command: list[str | Path]) -> list[str | Path]:
    """``command`` sealed, and with a /var/lib of its own: buildah keeps a cache there."""
    covered = Path("/var/lib")
    if covered in folder().resolve().parents:
        return sealed(command)
    return sealed(["sh", "-c", f'mount -t tmpfs -o size=64m slipway {covered} && exec "$@"', "sh", *command])


@cache
def driver() -> str:
    """``overlay``; or ``vfs``, which copies every layer whole, where the cache's disk has no overlays."""
    with _scratch() as name:
        command = ["buildah", "--root", f"{name}/root", "--runroot", f"{name}/run"]
        tried = _aside([*command, "--storage-driver", "overlay", "info"])
        asked = subprocess.run(tried, capture_output=True, check=False)
    return "vfs" if asked.returncode else "overlay"


def _run(name: str, command: list[str | Path], log: Path, stop: threading.Event) -> None:
    with _scratch() as scratch:
        code = run(command, log, stop, env={**os.environ, "TMPDIR": scratch})
    if code == 0:
        return
    text = log.read_text(errors="replace")
    unknown = (
        "its build failed",
        f"mend {RECIPES[name].dockerfile}, or run it again when the cause has gone",
    )
    what, remedy = next((known for sign, known in _CAUSES.items() if sign in text), unknown)
    raise UserError.of(f"image {name}", f"{what}; the end of {log}:\n{tail(log)}", remedy)


def _quietly(*arguments: str) -> str:
    command = _buildah(*arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _exists(tag: str) -> bool:
    return bool(_quietly("images", "--quiet", tag).strip())


def _prune(name: str) -> None:
    """Forget the oldest images of ``name`` and the oldest unnamed stages; what is in use stays by itself."""
    found: list[dict[str, Any]] = sorted(
        json.loads(_quietly("images", "--json") or "[]"), key=lambda image: -int(image["created"])
    )
    prefix = local_reference(name).rpartition(":")[0] + ":"
    tags = [tag for image in found for tag in image["names"] or () if tag.startswith(prefix)]
    stages = [str(image["id"]) for image in found if not image["names"]]
    if old := tags[KEPT_IMAGES:] + stages[KEPT_STAGES:]:
        _quietly("rmi", *old)
