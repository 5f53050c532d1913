"""Builds a folder with a go.mod into the user's cache, once and whole. tools.py says which there are."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from infra.errors import Problem, UserError
from infra.paths import cache_dir
from infra.progress import Progress
from infra.sandbox import go
from infra.sandbox.running import alone, run, sync

KEPT_BUILDS = 2  # the newest builds of a family that stay: the present one and the one before
# Bytes. Measured on an empty machine: Go's build cache 5.3 GB, modules 2.3 GB, tools and images 1.9 GB.
SPACE_FIRST = 10 << 30
SPACE_AGAIN = 2 << 30  # one family changed, or the images
MARK = "built.json"
TEMPORARY = ".building-"


@dataclass(frozen=True)
class Companion:
    """A script or a folder that belongs beside a binary: ``path`` in ``module`` (path@version) of
    ``source/go.sum``."""

    source: Path
    module: str
    path: str


@dataclass(frozen=True)
class Family:
    """A folder with go.mod and go.sum, and what is built of it: binary name → import path."""

    name: str
    source: Path
    binaries: dict[str, str]
    ldflags: str = "-s -w"
    tags: str = ""
    companions: tuple[Companion, ...] = field(default=())

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of ``go build``; no version control stamp, the same sources may be in any checkout."""
        tags = (f"-tags={self.tags}",) if self.tags else ()
        return ("-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={self.ldflags}", *tags)

    def sources(self) -> str:
        """SHA-256 over everything of ours that decides the result: go.mod, go.sum, our Go files, flags."""
        digest = hashlib.sha256(repr((self.binaries, self.flags, self.companions_key())).encode())
        for path in sorted(self.source.iterdir()):
            if path.suffix in {".go", ".mod", ".sum"}:
                digest.update(f"{path.name}\0".encode() + path.read_bytes())
        return digest.hexdigest()

    def companions_key(self) -> list[tuple[str, str]]:
        """What the companions add to the key; their folder on this machine is no part of it."""
        return [(companion.module, companion.path) for companion in self.companions]

    def key(self) -> str:
        """12 hex digits over the sources, the platform and the Go version. Raises UserError without a Go."""
        chain = go.toolchain(self.source)
        text = f"{self.sources()} {chain.platform} {chain.version}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def folder(self) -> Path:
        """Where the builds of this family stand, one folder per key."""
        return cache_dir() / "tools" / self.name


def found(family: Family) -> Path | None:
    """The folder of a finished build, or None. Without a Go any build of the same sources will do."""
    try:
        candidates = [family.folder / family.key()]
    except UserError:
        sources = family.sources()
        candidates = [path.parent for path in family.folder.glob(f"*/{MARK}") if _sources(path) == sources]
    return next((path for path in candidates if _whole(path, family)), None)


def _whole(folder: Path, family: Family) -> bool:
    names = [*family.binaries, *(Path(companion.path).name for companion in family.companions), MARK]
    return all((folder / name).exists() for name in names)


def _sources(mark: Path) -> str:
    try:
        return str(json.loads(mark.read_text())["sources"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def build(family: Family, progress: Progress, stop: threading.Event | None = None) -> Path:
    """Build ``family`` unless it is there, and return its folder; a second builder waits for the first.

    ``stop``: set from another thread to end the build (KeyboardInterrupt is raised here). Raises UserError.
    """
    stop = stop or threading.Event()
    if there := found(family):
        return there
    check_space()
    target = family.folder / family.key()
    with alone(family.folder / "lock", f"tool {family.name}", progress, stop):
        if there := found(family):
            return there
        _sweep(family.folder)
        with progress.step(f"tool {family.name}", _doing(family)):
            _build_into(family, target, progress, stop)
    _forget_old(family.folder, target)
    return target


def fetch(family: Family, stop: threading.Event) -> Problem | None:
    """Download the modules that ``family`` needs, ahead of its build. A refusal is returned, not raised."""
    try:
        log = _log(family, "fetch")
        tags = [f"-tags={family.tags}"] if family.tags else []
        arguments = ["list", "-mod=readonly", *tags, "-deps", "-f", "{{/* the download is all */}}"]
        code = _go(family, [*arguments, *family.binaries.values()], log, stop)
        return go.explain(family.name, log) if code else None
    except UserError as error:
        return error.problems[0]
    except KeyboardInterrupt:
        return None


def check_space() -> None:
    """Raises UserError when the disk of the cache has no room for a build; the very first one needs most."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache_dir()).free
    first = not any((cache_dir() / "tools").glob(f"*/*/{MARK}"))
    needed = SPACE_FIRST if first else SPACE_AGAIN
    if free < needed:
        what = f"{free / (1 << 30):.1f} GiB free on the disk of {cache_dir()}, {needed >> 30} GiB are needed"
        remedy = (
            f"free {(needed - free) / (1 << 30):.1f} GiB, or set XDG_CACHE_HOME and GOCACHE to another disk"
        )
        raise UserError.of("disk", what, remedy)


def _build_into(family: Family, target: Path, progress: Progress, stop: threading.Event) -> None:
    """Everything goes into a temporary folder beside ``target``, which gets its name as the very last act."""
    family.folder.mkdir(parents=True, exist_ok=True)
    # A compiler that is still dying in the folder does not fail the clean-up: the next builder sweeps.
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=family.folder, ignore_cleanup_errors=True) as name:
        out = Path(name) / "bin"
        out.mkdir()
        _compile(family, out, progress, stop)
        for companion in family.companions:
            _copy_companion(family, companion, out, stop)
        mark = {"sources": family.sources(), "go": go.toolchain(family.source).version}
        (out / MARK).write_text(json.dumps(mark) + "\n")
        if not _whole(out, family):
            missing = ", ".join(sorted(set(family.binaries) - {path.name for path in out.iterdir()}))
            raise UserError.of(f"tool {family.name}", f"go build left no {missing}", "report this as a bug")
        for path in [*out.iterdir(), out]:
            sync(path)
        shutil.rmtree(target, ignore_errors=True)  # a build that somebody took a file out of
        out.rename(target)
        sync(family.folder)


def _doing(family: Family) -> str:
    first, *others = family.binaries
    return f"building {first} and {len(others)} more" if others else f"building {first}"


def _compile(family: Family, out: Path, progress: Progress, stop: threading.Event) -> None:
    one = next(iter(family.binaries)) if len(family.binaries) == 1 else ""
    log = _log(family, "build")
    arguments = ["build", *family.flags, "-o", f"{out}/{one}", *family.binaries.values()]
    shown: set[str] = set()

    def tick() -> None:
        for name in sorted({path.name for path in out.iterdir()} - shown):
            shown.add(name)
            progress.say(f"tool {family.name}", f"{name} is built")

    if _go(family, arguments, log, stop, tick=None if one else tick, scratch=out.parent):
        raise UserError([go.explain(family.name, log)])


def _copy_companion(family: Family, companion: Companion, out: Path, stop: threading.Event) -> None:
    log = _log(family, "companion")
    if _go(family, ["mod", "download", "-json", companion.module], log, stop, cwd=companion.source):
        raise UserError([go.explain(family.name, log)])
    text = log.read_text()
    answer = json.loads(text[text.index("{") : text.rindex("}") + 1])
    source, target = Path(answer["Dir"]) / companion.path, out / Path(companion.path).name
    for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
        copy = target / path.relative_to(source)  # without the modes of the cache, which nobody may write to
        if path.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    target.chmod(0o755)


def _log(family: Family, what: str) -> Path:
    path = cache_dir() / "tools" / "logs" / f"{family.name}-{what}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _go(
    family: Family,
    arguments: list[str],
    log: Path,
    stop: threading.Event,
    *,
    tick: Callable[[], None] | None = None,
    scratch: Path | None = None,
    cwd: Path | None = None,
) -> int:
    """Run go with the user's own Go environment, temporary files in ``scratch``. Returns its exit code."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    if scratch:
        environment["GOTMPDIR"] = str(scratch)
    command: list[str | Path] = [go.toolchain(family.source).command, *arguments]
    return run(command, log, stop, cwd=cwd or family.source, env=environment, tick=tick)


def _sweep(folder: Path) -> None:
    """Remove what dead builders left: whoever holds the lock owns every temporary folder."""
    for path in folder.glob(f"{TEMPORARY}*"):
        shutil.rmtree(path, ignore_errors=True)


def _forget_old(folder: Path, present: Path) -> None:
    old = sorted((mark.parent for mark in folder.glob(f"*/{MARK}")), key=lambda path: path.stat().st_mtime)
    for path in [path for path in old if path != present][: -(KEPT_BUILDS - 1)]:
        shutil.rmtree(path, ignore_errors=True)
