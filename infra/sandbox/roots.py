"""The small Debian root that the sandbox images stand on, and the machine's own apt configuration for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra import versions
from infra.errors import UserError
from infra.paths import ROOT
from infra.progress import Progress
from infra.sandbox.running import run, sealed

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
RECIPE = ROOT / "infra" / "sandbox" / "images" / "debian"
LOG_LINES = 15
_SUITES = tuple(f"{versions.DEBIAN}{part}" for part in ("", "-updates", "-security", "/updates"))
_ACQUIRE = re.compile(r"Acquire::(https?|ftp|Check-|Retries|ForceIPv|AllowInsecure|AllowWeak)")
_UNNEEDED = ("usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "var/lib/apt/lists")
_EMPTIED = ("dev", "var/cache/apt/archives", "var/log", "tmp")


@dataclass(frozen=True)
class Target:
    """One source of Debian packages, as this machine is configured: ``http://…``, suite, component."""

    uri: str
    suite: str
    component: str

    def __str__(self) -> str:
        return f"deb {self.uri} {self.suite} {self.component}"


def targets(listing: str) -> list[Target]:
    """Debian's own suites out of ``apt-get indextargets`` lines ``uri|suite|component|origin``."""
    rows = (line.split("|") for line in listing.splitlines())
    return [
        Target(uri, suite, component)
        for uri, suite, component, origin in (row for row in rows if len(row) == 4)
        if suite in _SUITES and component == "main" and origin in {"Debian", ""}
    ]


def machine_targets() -> list[Target]:
    """Debian's suites in this machine's configuration; empty on another distribution."""
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return targets(asked.stdout)


@contextmanager
def machine_apt() -> Iterator[Path]:
    """A folder to mount over an image's /etc/apt while packages are installed: this machine's mirror and proxy.

    It may hold a proxy's password: only its owner reads it, it is in no layer, and it goes away.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-apt-") as name:
        folder = Path(name)
        for part in ("apt.conf.d", "preferences.d", "trusted.gpg.d", "sources.list.d"):
            (folder / part).mkdir()
        lines = [str(target) for target in machine_targets()] or [
            f"deb {_default_mirror()} {versions.DEBIAN} main"
        ]
        (folder / "sources.list").write_text("\n".join(lines) + "\n")
        (folder / "apt.conf.d" / "50machine").write_text(_acquire(folder))
        for key in [KEYRING, *Path("/etc/apt/trusted.gpg.d").glob("*")]:
            if key.is_file():
                shutil.copy(key, folder / "trusted.gpg.d" / key.name)
        if Path("/etc/apt/auth.conf.d").is_dir():
            shutil.copytree("/etc/apt/auth.conf.d", folder / "auth.conf.d")
        yield folder


def _acquire(folder: Path) -> str:
    dumped = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=False)
    lines = [line for line in dumped.stdout.splitlines() if _ACQUIRE.match(line)]
    lines.append('APT::Sandbox::User "root";')  # apt's own user may not read the mounted folder
    if CERTIFICATES.is_file():
        shutil.copy(CERTIFICATES, folder / "machine-ca.crt")
        lines.append('Acquire::https::CaInfo "/etc/apt/machine-ca.crt";')
    return "\n".join(lines) + "\n"


def _default_mirror() -> str:
    """debootstrap's own default for the suite, for machines of another distribution."""
    script = Path("/usr/share/debootstrap/scripts") / versions.DEBIAN
    found = (
        re.search(r"^\s*default_mirror\s+(\S+)", script.read_text(), re.MULTILINE)
        if script.is_file()
        else None
    )
    return found[1] if found else ""


def make_root(archive: Path, work: Path, log: Path, progress: Progress, stop: threading.Event) -> None:
    """Write a minimal Debian root as a tar file to ``archive``; ``work`` is an empty folder to make it in.

    Raises UserError when debootstrap is missing or fails.
    """
    if shutil.which("debootstrap") is None or not KEYRING.is_file():
        raise UserError.of(
            "image debian",
            "debootstrap or Debian's archive keys are not installed",
            "apt-get install debootstrap debian-archive-keyring",
        )
    root = work / "root"
    mirror = next((target.uri for target in machine_targets() if target.suite == versions.DEBIAN), "")
    command = [
        "debootstrap",
        "--variant=minbase",
        "--force-check-gpg",
        f"--keyring={KEYRING}",
        versions.DEBIAN,
    ]
    with progress.step("image debian", f"debootstrap {versions.DEBIAN}"):
        if run(sealed([*command, root, *([mirror] if mirror else [])]), log, stop, env=_proxied()):
            raise _failure(log)
        _slim(root)
        tar: list[str | Path] = ["tar", "--numeric-owner", "--sort=name", "-C", root, "-cf", archive, "."]
        if run(tar, log, stop):
            raise _failure(log)


def _proxied() -> dict[str, str]:
    """apt's proxy in the form that debootstrap's wget reads."""
    asked = subprocess.run(
        ["apt-config", "shell", "http_proxy", "Acquire::http::Proxy", "https_proxy", "Acquire::https::Proxy"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(\w+)='(.*)'$", asked.stdout, re.MULTILINE)
    return {**{name: value for name, value in found if value != "DIRECT"}, **os.environ}


def _slim(root: Path) -> None:
    excludes = root / "etc" / "dpkg" / "dpkg.cfg.d" / "slim"
    shutil.copy(RECIPE / "path-excludes", excludes)
    policy = root / "usr" / "sbin" / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # no package starts its daemon while an image is built
    policy.chmod(0o755)
    for name in _UNNEEDED:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in _EMPTIED:
        for path in (root / name).iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in (root / "usr" / "share" / "doc").glob("*/*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()


def _failure(log: Path) -> UserError:
    lines = log.read_text(errors="replace").strip().splitlines()[-LOG_LINES:]
    text = "\n    ".join(lines)
    if "No space left" in text:
        return UserError.of("image debian", f"the disk is full ({log})", "free 3 GiB, then run it again")
    remedy = "see that `apt-get update` works on this machine: the same mirror is used here"
    return UserError.of("image debian", f"debootstrap failed; the end of {log}:\n    {text}", remedy)
