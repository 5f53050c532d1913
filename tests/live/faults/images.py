"""A sandbox image with one file more, for faults that must be inside the image."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.sandbox.config import SandboxConfig


@contextmanager
def with_file(config: SandboxConfig, base: str, file: Path, folder: str, name: str) -> Iterator[None]:
    """``base`` with ``file`` in ``folder`` of app/ as ``name`` in containerd; removed afterwards."""
    from infra.images import Image
    from infra.sandbox import images

    root, archive = file.parent / "storage", file.parent / "image.tar"
    buildah = [
        "buildah",
        "--root",
        str(root / "root"),
        "--runroot",
        str(root / "run"),
        "--storage-driver",
        "vfs",
    ]
    context = file.parent / "context"
    context.mkdir()
    (context / file.name).write_bytes(file.read_bytes())
    (context / "Dockerfile").write_text(f"FROM {base}\nCOPY {file.name} /srv/app/{folder}/{file.name}\n")
    run([*buildah, "pull", "--quiet", f"docker-archive:{images.archive(Image.SERVICE)}"])
    run(
        [
            *buildah,
            "build",
            "--isolation",
            "chroot",
            "--quiet",
            "--format",
            "docker",
            "--tag",
            name,
            str(context),
        ]
    )
    run([*buildah, "push", "--quiet", name, f"docker-archive:{archive}:{name}"])
    ctr = ["ctr", "--address", str(config.containerd_socket), "--namespace", "k8s.io", "images"]
    run([*ctr, "import", "--snapshotter", "overlayfs", str(archive)])
    try:
        yield
    finally:
        run([*ctr, "remove", name])


def run(command: list[str]) -> None:
    """One command; a failure shows what it said."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stdout}\n{answer.stderr}"
