"""nginx.conf of a stack: checked by nginx itself on this machine, compared, and written."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from infra import rendered
from infra.errors import UserError
from infra.render import nginx as render
from infra.render.nginx import Files, Place
from infra.render.validate import RenderError
from infra.sandbox import certificates
from infra.settings.ingress import IngressKind
from infra.settings.model import Settings

# Debian's package puts it where only root's PATH looks.
SBIN = "/usr/sbin:/usr/local/sbin"
AUTHORITY = "authority"
HTTP, HTTPS = 20_080, 20_443  # nginx -t binds what it finds, and does not mind that somebody else has it


def program() -> str:
    """Where nginx is. Raises UserError where this machine has none."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")
    if found is None:
        what = "is not on this machine, and a configuration that it has not read is not handed out"
        raise UserError.of(
            "nginx", what, "scripts/bootstrap, or: apt-get install --no-install-recommends nginx"
        )
    return found


def checked(settings: Settings) -> str:
    """The stack's nginx.conf, which ``nginx -t`` has accepted here: with files, ports and upstreams of this
    machine in the place of nginx' own, which are not here.

    Raises UserError where the stack has no nginx in front or this machine none to ask, RenderError where it
    is refused, which is a bug of the template.
    """
    ingress = settings.ingress
    if ingress.kind is not IngressKind.NGINX or not ingress.hosts:
        what = f"{ingress.kind}, and hosts are {', '.join(ingress.hosts) or 'none'}: no nginx is in front"
        raise UserError.of("slipway:ingress.kind", what, "set kind: nginx, and name the hosts")
    text = render.text(settings)
    with tempfile.TemporaryDirectory(prefix="slipway-nginx-") as name:
        folder = Path(name)
        own = own_certificate(folder, ingress.hosts)
        accepted(render.text(settings, place(folder), own, here(settings)), folder)
    return text


def here(settings: Settings) -> tuple[str, ...]:
    """As many upstreams, of addresses that need no name server."""
    return tuple(f"127.0.0.1:{each.rpartition(':')[2]}" for each in settings.ingress.nginx.upstreams)


def place(folder: Path, http: int = HTTP, https: int = HTTPS) -> Place:
    """Everything below ``folder``, and on the loopback."""
    path = str(folder)
    return Place(None, path, path, path, path, ("127.0.0.1",), http, https)


def accepted(text: str, folder: Path) -> None:
    """Raises RenderError where ``nginx -t`` refuses the text, or warns."""
    file = folder / render.FILE
    file.write_text(text, encoding="utf-8")
    command = [program(), "-t", "-q", "-p", str(folder), "-c", str(file), "-e", "stderr"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode or answer.stderr.strip():
        raise RenderError(f"{render.FILE}: {answer.stderr.strip().replace(str(file), render.FILE)}")


def own_certificate(folder: Path, hosts: tuple[str, ...]) -> Files:
    """A certificate that nobody trusts: nginx reads one before it accepts a configuration."""
    leaf = certificates.Leaf("nginx", AUTHORITY, "nginx", hosts=hosts, client=False)
    certificates.ensure(folder, [AUTHORITY], [leaf])
    return Files(str(folder / "nginx.crt"), str(folder / "nginx.key"))


def differs(text: str, folder: Path) -> bool:
    """Whether the folder's file is missing or says something else."""
    return bool(rendered.differing({render.FILE: text}, folder))


def write(text: str, folder: Path, *, force: bool) -> bool:
    """Write the file where it differs, whole or not at all; whether it did.

    Raises UserError where a file is there that slipway did not make.
    """
    if not force:
        rendered.require_ours({render.FILE: text}, folder, render.MARK)
    changed = differs(text, folder)
    if changed:
        rendered.write(folder / render.FILE, text)
    return changed
