"""The builder of images on the smallest real one, and its faults."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from infra import images as catalogue
from infra.errors import UserError
from infra.images import RECIPES, Catalogue, Image, Recipe, reference
from infra.paths import ROOT
from infra.sandbox import buildah, images, machine, roots
from infra.sandbox.config import SandboxConfig
from tests.infra.sandbox.helpers import await_fact, progress, said

pytestmark = pytest.mark.unit
NOWHERE = SandboxConfig("no-such-cluster", 9)


@pytest.fixture
def store(cache: Path) -> Path:
    """Where the archives go."""
    return cache / "images"


def test_an_image_is_built_once_and_its_archive_is_whole(store: Path) -> None:
    shown = progress()
    built = images.ensure([Image.PAUSE], NOWHERE, shown)
    path = images.archive(Image.PAUSE)
    assert built == {Image.PAUSE: path}
    with tarfile.open(path) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)[0]["RepoTags"] == [reference(Image.PAUSE, Catalogue.SANDBOX)]
    again = progress()
    assert images.ensure([Image.PAUSE], NOWHERE, again) == built
    assert said(again) == ""


def test_a_build_leaves_nothing_outside_the_cache(store: Path) -> None:
    places = [Path(name) for name in ("/var/tmp", "/var/lib", "/var/lib/containers", "/run")]  # noqa: S108

    def there() -> list[set[Path]]:
        return [{*place.glob("*containers*"), *place.glob("*buildah*")} for place in places]

    before = there()
    images.ensure([Image.PAUSE], NOWHERE, progress())
    assert there() == before


def test_a_builder_killed_outright_leaves_no_archive_no_mount_and_no_process(store: Path) -> None:
    images.ensure([Image.PAUSE], NOWHERE, progress())  # the tool is built, buildah's storage is there
    path = images.archive(Image.PAUSE)
    path.unlink()
    shutil.rmtree(store / "storage")
    script = (
        "from infra.images import Image; from infra.progress import Progress\n"
        "from infra.sandbox import images; from infra.sandbox.config import SandboxConfig\n"
        "images.ensure([Image.PAUSE], SandboxConfig('no-such-cluster', 9), Progress(quiet=True))\n"
    )
    builder = subprocess.Popen([sys.executable, "-c", script], env=os.environ.copy(), cwd=ROOT)
    await_fact(lambda: any((folder / "context").exists() for folder in store.glob(f"{buildah.TEMPORARY}*")))
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    await_fact(lambda: not processes_naming(str(store)))
    assert str(store) not in Path("/proc/self/mounts").read_text()
    assert not path.exists()
    images.ensure([Image.PAUSE], NOWHERE, progress())
    assert path.is_file()
    assert list(store.glob(f"{buildah.TEMPORARY}*")) == []


def processes_naming(text: str) -> list[str]:
    lines = (path for path in Path("/proc").glob("[0-9]*/cmdline"))
    found = []
    for path in lines:
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the listing and the reading
        if text in line:
            found.append(line)
    return found


def test_a_build_told_to_stop_leaves_no_archive(store: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        images.ensure([Image.PAUSE], NOWHERE, progress(), stop=stop)
    assert not images.archive(Image.PAUSE).exists()
    assert list(store.glob(f"{buildah.TEMPORARY}*")) == []


def test_a_broken_dockerfile_is_named_with_the_end_of_its_log(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Recipe("pause", "infra/sandbox/images/coredns/Dockerfile", tool="pause")
    monkeypatch.setattr(catalogue, "RECIPES", {**RECIPES, "pause": broken})
    monkeypatch.setattr(buildah, "RECIPES", catalogue.RECIPES)
    with pytest.raises(UserError) as failed:
        images.ensure([Image.PAUSE], NOWHERE, progress())
    (problem,) = failed.value.problems
    assert "COPY" in problem.what
    assert str(store / "logs" / "pause.log") in problem.what
    assert problem.remedy.startswith("mend infra/sandbox/images/coredns/Dockerfile")
    assert not images.archive(Image.PAUSE).exists()


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        ("write /x: no space left on device", "the disk is full", "free 3 GiB"),
        ("E: Failed to fetch http://m/x.deb", "a Debian package could not be had", "apt-get update"),
        ("ERROR: Could not find a version that satisfies x", "a Python package could not be had", "pip"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was locked", "scripts/lock"),
    ],
)
def test_each_failure_of_a_build_has_its_own_remedy(
    store: Path, tmp_path: Path, line: str, what: str, remedy: str
) -> None:
    with pytest.raises(UserError) as failed:
        buildah._run("redis", ["sh", "-c", f"echo '{line}'; exit 1"], tmp_path / "log", threading.Event())
    (problem,) = failed.value.problems
    assert what in problem.what
    assert line in problem.what
    assert remedy in problem.remedy


def test_a_failed_debootstrap_points_at_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        machine, "debian_targets", lambda: (machine.Target("http://127.0.0.1:9/", "bookworm"),)
    )
    with pytest.raises(UserError, match=r"image debian: debootstrap failed; the end of") as failed:
        roots.make_root(tmp_path / "r.tar", tmp_path, tmp_path / "log", progress(), threading.Event())
    assert "apt-get update" in failed.value.problems[0].remedy
    assert not (tmp_path / "r.tar").exists()


def test_missing_programs_are_named_at_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(
        UserError, match=r"not installed: buildah, util-linux, tar\n.*apt-get install buildah"
    ):
        images.ensure([Image.REDIS], NOWHERE, progress())


def test_the_newest_three_archives_stay_and_the_others_are_named(store: Path) -> None:
    store.mkdir(parents=True)
    for number in range(5):
        path = store / f"service-{number}.tar"
        path.touch()
        os.utime(path, (number, number))
    shown = progress()
    images._forget_old(Image.SERVICE, shown)
    assert sorted(path.name for path in store.glob("*.tar")) == [f"service-{n}.tar" for n in (2, 3, 4)]
    assert re.findall(r"removed the old archive (\S+)", said(shown)) == [
        "service-0.tar",
        "service-1.tar",
    ]


def test_an_image_that_was_never_built_cannot_be_loaded(store: Path) -> None:
    with pytest.raises(UserError, match=r"image localhost/slipway/redis:\w+: it is not built\n"):
        images.load(NOWHERE, progress(), [Image.REDIS])


def test_images_without_an_archive_leave_the_node_under_both_their_names(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.mkdir(parents=True)
    for tag in ("b", "c", "d"):
        (store / f"service-{tag}.tar").touch()
    rows = {f"localhost/slipway/service:{tag}": f"sha256:{tag}{tag}" for tag in "abcd"}
    rows |= {"sha256:config-of-a": "sha256:aa", "sha256:config-of-b": "sha256:bb", "other:a": "sha256:ee"}
    removed: list[str] = []

    def ctr(_: SandboxConfig, *arguments: str) -> subprocess.CompletedProcess[str]:
        if arguments[1] == "remove":
            removed.extend(arguments[2:])
        text = "REF TYPE DIGEST\n" + "".join(f"{name} type {digest} 1 MiB\n" for name, digest in rows.items())
        return subprocess.CompletedProcess(arguments, 0, text, "")

    monkeypatch.setattr(images, "_ctr", ctr)
    monkeypatch.setattr(SandboxConfig, "containerd_socket", store)
    images._unload_old(NOWHERE, Image.SERVICE)
    assert removed == ["localhost/slipway/service:a", "sha256:config-of-a"]
