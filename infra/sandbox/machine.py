"""This machine's own package configuration (mirror, proxy, index), mounted into builds and in no layer."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra import versions

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_FILES = (Path("/etc/pip.conf"), Path("~/.pip/pip.conf"), Path("~/.config/pip/pip.conf"))
PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "cert", "proxy", "timeout", "retries")
_SUITES = tuple(f"{versions.DEBIAN}{part}" for part in ("", "-updates", "-security", "/updates"))
_ACQUIRE = re.compile(r"Acquire::(https?::|ftp::|Check-|Retries|ForceIPv|AllowInsecure|AllowWeak)")


@dataclass(frozen=True)
class Target:
    """One source of Debian packages: its URI, suite (``bookworm-security``) and component."""

    uri: str
    suite: str
    component: str = "main"

    def __str__(self) -> str:
        return f"deb {self.uri} {self.suite} {self.component}"


def parse_targets(listing: str) -> list[Target]:
    """Debian's own suites out of lines ``uri|suite|component|origin`` of ``apt-get indextargets``."""
    rows = [row for line in listing.splitlines() if len(row := line.split("|")) == 4]
    return [
        Target(uri, suite, component)
        for uri, suite, component, origin in rows
        if suite in _SUITES and component == "main" and origin in {"Debian", ""}
    ]


@cache
def debian_targets() -> tuple[Target, ...]:
    """Debian's suites in this machine's configuration; elsewhere debootstrap's default mirror."""
    return tuple(_configured() or _updated() or _default())


def _configured(*options: str) -> list[Target]:
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    return parse_targets(_ask("apt-get", "indextargets", *options, "--format", form, "Created-By: Packages"))


def _updated() -> list[Target]:
    """Where apt's lists were removed, as in many containers, it names no target: fetch lists of our own."""
    with tempfile.TemporaryDirectory() as lists:
        options = ("-o", f"Dir::State::Lists={lists}", "-o", "APT::Sandbox::User=root")
        _ask("apt-get", "update", "-qq", *options)
        return _configured(*options)


def _default() -> list[Target]:
    program = shutil.which("debootstrap")
    text = Path(program).read_text(errors="replace") if program else ""
    default = re.search(r'^DEF_MIRROR="([^"$]+)"', text, re.MULTILINE)
    return [Target(default[1], versions.DEBIAN)] if default else []


def apt_folder(folder: Path) -> Path:
    """Fill ``folder`` with what an image needs in place of its /etc/apt while packages are installed.

    It may hold a proxy's password: only its owner can read it, and the caller removes it.
    """
    folder.mkdir(mode=0o700)
    for part in ("apt.conf.d", "preferences.d", "trusted.gpg.d", "sources.list.d"):
        (folder / part).mkdir()
    (folder / "sources.list").write_text("".join(f"{target}\n" for target in debian_targets()))
    lines = [line for line in _ask("apt-config", "dump", "Acquire").splitlines() if _ACQUIRE.match(line)]
    lines.append('APT::Sandbox::User "root";')  # apt's own user may not read this folder
    if CERTIFICATES.is_file():
        shutil.copy(CERTIFICATES, folder / "machine-ca.crt")
        lines.append('Acquire::https::CaInfo "/etc/apt/machine-ca.crt";')
    (folder / "apt.conf.d" / "50machine").write_text("\n".join(lines) + "\n")
    for key in (KEYRING, *Path("/etc/apt/trusted.gpg.d").glob("*")):
        if key.is_file():
            shutil.copy(key, folder / "trusted.gpg.d")
    if (passwords := Path("/etc/apt/auth.conf.d")).is_dir():
        shutil.copytree(passwords, folder / "auth.conf.d")
    return folder


def apt_proxy() -> dict[str, str]:
    """apt's proxy as the environment variables that debootstrap's downloader reads."""
    names = ("http_proxy", "Acquire::http::Proxy", "https_proxy", "Acquire::https::Proxy")
    found = re.findall(r"^(\w+)='(.*)'$", _ask("apt-config", "shell", *names), re.MULTILINE)
    return {name: value for name, value in found if value != "DIRECT"}


def pip_configuration() -> dict[str, str]:
    """Where this machine's pip installs from: its files, then its environment, which wins."""
    files = configparser.ConfigParser(interpolation=None)
    files.read([path.expanduser() for path in PIP_FILES])
    known = dict(files.items("global")) if files.has_section("global") else {}
    for key in PIP_KEYS:
        if value := os.environ.get(f"PIP_{key.upper().replace('-', '_')}"):
            known[key] = value
    return {key: known[key] for key in PIP_KEYS if key in known}


def pip_file(folder: Path) -> Path:
    """A pip.conf with which pip in a build installs as this machine's pip does.

    ``folder`` may hold an index's password: only its owner can read it, and the caller removes it.
    """
    folder.mkdir(mode=0o700)
    known, file = pip_configuration(), folder / "pip.conf"
    file.write_text("[global]\n" + "".join(f"{key} = {known[key]}\n" for key in known))
    return file


def pip_trust() -> list[str]:
    """Volumes ``source:target:ro`` with the authorities that this machine's pip trusts."""
    paths = {str(CERTIFICATES.parent), pip_configuration().get("cert", "")}
    return [f"{path}:{path}:ro" for path in sorted(paths) if path and Path(path).exists()]


def _ask(*command: str) -> str:
    """A command's output; empty where this machine has no such command."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
