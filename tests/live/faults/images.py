"""A sandbox image with one file more, for faults that must be inside the image."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.images import Image
from infra.sandbox import images
from infra.sandbox.config import SandboxConfig


@contextmanager
def with_file(config: SandboxConfig, base: str, file: Path, folder: str, name: str) -> Iterator[None]:
    """``base`` with ``file`` in ``folder`` of app/ as ``name`` in containerd; removed afterwards."""
    ctr = f"ctr --address {config.containerd_socket} --namespace k8s.io images".split()
    with tempfile.TemporaryDirectory(dir=file.parent) as work:  # every layer is a copy: a gigabyte in all
        archive = _build(Path(work), base, file, folder, name)
        _run([*ctr, "import", "--snapshotter", "overlayfs", str(archive)])
    try:
        yield
    finally:
        _run([*ctr, "remove", name])


def _build(work: Path, base: str, file: Path, folder: str, name: str) -> Path:
    """The archive of the new image, in ``work``."""
    archive = work / "image.tar"
    buildah = f"buildah --root {work}/root --runroot {work}/run --storage-driver vfs".split()
    context = work / "context"
    context.mkdir()
    (context / file.name).write_bytes(file.read_bytes())
    (context / "Dockerfile").write_text(f"FROM {base}\nCOPY {file.name} /srv/app/{folder}/{file.name}\n")
    _run([*buildah, "pull", "--quiet", f"docker-archive:{images.archive(Image.SERVICE)}"])
    build = f"build --isolation chroot --quiet --format docker --tag {name} {context}".split()
    _run([*buildah, *build])
    _run([*buildah, "push", "--quiet", name, f"docker-archive:{archive}:{name}"])
    return archive


def _run(command: list[str]) -> None:
    """One command; a failure shows what it said."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stdout}\n{answer.stderr}"
