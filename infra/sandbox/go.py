"""The Go toolchain of this machine: where it is, which version it is, and what its failures mean."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.errors import Problem, UserError
from infra.sandbox.running import tail

# sudo keeps only its secure_path: the folder of the official archive is looked at as well.
OFFICIAL_GO = Path("/usr/local/go/bin/go")
INSTALL_GO = "unpack Go 1.26.5 or newer from https://go.dev/dl into /usr/local/go (Debian 12 has an old one)"


@dataclass(frozen=True)
class Toolchain:
    """A usable Go: the command, its version (``1.26.8``) and the platform it builds for."""

    command: Path
    version: str
    platform: str


def numbers(version: str) -> tuple[int, ...]:
    """``go1.25.11`` or ``1.25.11`` as (1, 25, 11); anything after the numbers is ignored."""
    found = re.match(r"(?:go)?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def wanted(source: Path) -> str:
    """The Go version that ``source/go.mod`` asks for."""
    found = re.search(r"^go (\S+)$", (source / "go.mod").read_text(), re.MULTILINE)
    return found[1] if found else "1.25.0"


def command() -> Path:
    """Go on PATH, else the official archive's. Raises UserError when there is neither."""
    found = shutil.which("go") or (str(OFFICIAL_GO) if OFFICIAL_GO.exists() else None)
    if found is None:
        raise UserError.of("go", "no Go toolchain on PATH, and none in /usr/local/go", INSTALL_GO)
    return Path(found)


@cache
def toolchain(source: Path) -> Toolchain:
    """The Go that builds ``source``: the one on PATH, or the newer one it fetches by GOTOOLCHAIN=auto.

    Raises UserError when there is no Go, or only one older than ``source/go.mod`` asks for.
    """
    go = command()
    need = wanted(source)
    asked = subprocess.run(
        [go, "env", "-json", "GOVERSION", "GOOS", "GOARCH"],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    where = f"go ({go})"
    if asked.returncode:
        reason = asked.stderr.strip().splitlines()[-1:] or ["no message"]
        raise UserError.of(where, f"Go {need} is needed and could not be had: {reason[0]}", INSTALL_GO)
    answer: dict[str, str] = json.loads(asked.stdout)
    version = answer["GOVERSION"].removeprefix("go")
    if numbers(version) < numbers(need):
        what = f"Go {version} is too old: {source.name}/go.mod needs {need} or newer"
        raise UserError.of(where, what, f"{INSTALL_GO}; or set GOTOOLCHAIN=auto")
    return Toolchain(go, version, f"{answer['GOOS']}/{answer['GOARCH']}")


_CAUSES = (
    (
        r"no space left on device",
        "the disk is full",
        "free some space (go clean -cache, slipway doctor shows how much is needed), then run it again",
    ),
    (
        r"SECURITY ERROR|checksum mismatch|missing go\.sum entry",
        "a downloaded module is not the one that go.sum names",
        "go clean -modcache, then run it again; if it stays, the module proxy serves something else",
    ),
    (
        r"dial tcp|i/o timeout|connection refused|no such host|x509:|proxyconnect|TLS handshake"
        r"|unexpected EOF|(?:40[1347]|410|429|5\d\d) [A-Z][a-z]+",
        "a module could not be downloaded",
        "see that the proxy of `go env GOPROXY` can be reached and serves the module, then run it again",
    ),
    (
        r"signal: killed|cannot allocate memory|out of memory",
        "the compiler was killed: too little memory",
        "leave it 4 GiB of free memory, then run it again",
    ),
)


def explain(name: str, log: Path) -> Problem:
    """A failed go command's log as a Problem: a known cause, else its last lines and its path."""
    text = log.read_text(errors="replace")
    for pattern, cause, remedy in _CAUSES:
        if found := re.search(f".*(?:{pattern}).*", text):
            return Problem(f"tool {name}", f"{cause}: {found[0].strip()[:300]} ({log})", remedy)
    what = f"the build failed; the end of {log}:\n{tail(log)}"
    return Problem(f"tool {name}", what, "the log has the whole; `slipway tools build` tries again")
