"""The small Debian root that the sandbox images stand on, made by debootstrap."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from pathlib import Path

from infra import versions
from infra.errors import UserError
from infra.paths import ROOT
from infra.progress import Progress
from infra.sandbox import machine
from infra.sandbox.running import run, sealed, tail

RECIPE = ROOT / "infra" / "sandbox" / "images" / "debian"
SET_ID = stat.S_ISUID | stat.S_ISGID
_UNNEEDED = ("usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "var/lib/apt/lists")
_EMPTIED = ("dev", "var/cache/apt", "var/log", "tmp")


def make_root(archive: Path, work: Path, log: Path, progress: Progress, stop: threading.Event) -> None:
    """Write a minimal Debian root as a tar file to ``archive``; ``work`` is a folder to make it in.

    Raises UserError when debootstrap is missing or fails.
    """
    if shutil.which("debootstrap") is None or not machine.KEYRING.is_file():
        what = "debootstrap or Debian's archive keys are not installed"
        raise UserError.of("image debian", what, "apt-get install debootstrap debian-archive-keyring")
    root = work / "root"
    mirrors = [target.uri for target in machine.debian_targets() if target.suite == versions.DEBIAN]
    checks = ["--force-check-gpg", f"--keyring={machine.KEYRING}"]
    command: list[str | Path] = [
        "debootstrap",
        "--variant=minbase",
        *checks,
        versions.DEBIAN,
        root,
        *mirrors[:1],
    ]
    with progress.step("image debian", f"debootstrap {versions.DEBIAN}"):
        if run(sealed(command), log, stop, env={**machine.apt_proxy(), **os.environ}):
            raise _failure(log)
        _slim(root)
        if run(["tar", "--numeric-owner", "--sort=name", "-C", root, "-cf", archive, "."], log, stop):
            raise _failure(log)


def _slim(root: Path) -> None:
    """No manuals and translations, now or in later installations; no files of the installation itself."""
    shutil.copy(RECIPE / "path-excludes", root / "etc" / "dpkg" / "dpkg.cfg.d" / "slim")
    (root / "etc" / "apt" / "sources.list").write_text("")  # the mirror is this machine's own affair
    policy = root / "usr" / "sbin" / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # no package starts its daemon while an image is built
    policy.chmod(0o755)
    for name in (*_UNNEEDED, *_EMPTIED):
        for path in (root / name).iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & SET_ID:
            path.chmod(path.stat().st_mode & 0o777)  # nobody in a container becomes root by a program
    for path in (root / "usr" / "share" / "doc").glob("*/*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()


def _failure(log: Path) -> UserError:
    if "no space left" in log.read_text(errors="replace").lower():
        return UserError.of("image debian", f"the disk is full ({log})", "free 3 GiB, then run it again")
    remedy = "see that `apt-get update` works on this machine: the same mirror is used here"
    return UserError.of("image debian", f"debootstrap failed; the end of {log}:\n{tail(log)}", remedy)
