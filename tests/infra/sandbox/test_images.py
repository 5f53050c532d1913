"""The catalogue's names, and the builder on the smallest real image, with its faults."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import images as catalogue
from infra.errors import UserError
from infra.images import PUBLIC, RECIPES, Catalogue, Image, Pinned, Recipe, reference
from infra.paths import ROOT
from infra.progress import Progress
from infra.sandbox import buildah, go, images, machine, roots
from infra.sandbox.config import SandboxConfig

SECONDS = 60.0
NOWHERE = SandboxConfig("no-such-cluster", 9)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of everything that decides about images."""
    for name in ("app", "infra/sandbox/images", "infra/sandbox/tools", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".dockerignore", "infra/sandbox/roots.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for our own files; Go's, which follows XDG_CACHE_HOME, stays the user's."""
    asked = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True)
    monkeypatch.setenv("GOCACHE", asked.stdout.strip())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    go.toolchain.cache_clear()
    return tmp_path / "cache" / "slipway" / "images"


def names(root: Path) -> dict[Image, str]:
    return {image: reference(image, Catalogue.SANDBOX, root) for image in Image}


def changed(before: dict[Image, str], after: dict[Image, str]) -> set[Image]:
    return {image for image in Image if before[image] != after[image]}


def quiet() -> Progress:
    return Progress(stream=io.StringIO())


def await_fact(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not fact():
        assert time.monotonic() < deadline, "the fact did not come true"
        threading.Event().wait(0.005)


# --- names


def test_an_unchanged_tree_has_the_same_names(tree: Path) -> None:
    before = names(tree)
    assert names(tree) == before
    assert all(re.fullmatch(rf"localhost/slipway/{i}:[0-9a-f]{{12}}", name) for i, name in before.items())


def test_a_copy_of_the_tree_elsewhere_has_the_same_names(tree: Path) -> None:
    assert names(tree) == names(ROOT)


@pytest.mark.parametrize(
    ("path", "images_changed"),
    [
        ("app/contract.py", {Image.SERVICE}),
        ("app/Dockerfile", {Image.SERVICE}),
        ("requirements/service.txt", {Image.SERVICE}),
        (".dockerignore", {Image.SERVICE}),
        ("infra/sandbox/images/python/Dockerfile", {Image.SERVICE}),
        ("infra/sandbox/images/redis/Dockerfile", {Image.REDIS}),
        ("infra/sandbox/images/debian/install-packages", {Image.SERVICE, Image.REDIS, Image.POSTGRES}),
        ("infra/sandbox/tools/coredns/go.sum", {Image.COREDNS}),
        ("infra/sandbox/tools/pause/main.go", {Image.PAUSE}),
        ("requirements/dev.txt", set()),
    ],
)
def test_a_change_renames_exactly_the_images_made_of_it(
    tree: Path, path: str, images_changed: set[Image]
) -> None:
    before = names(tree)
    with (tree / path).open("a") as file:
        file.write("\n")
    assert changed(before, names(tree)) == images_changed


def test_a_new_file_of_the_service_renames_its_image(tree: Path) -> None:
    before = names(tree)
    (tree / "app" / "core" / "new.py").write_text("")
    assert changed(before, names(tree)) == {Image.SERVICE}


def test_caches_and_tests_do_not_rename_the_service(tree: Path) -> None:
    before = names(tree)
    for name in ("core/__pycache__/x.cpython-311.pyc", "tests/test_x.py", "core/x.pyc"):
        (tree / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "app" / name).write_text("x")
    assert names(tree) == before


def test_the_names_are_found_in_a_moment() -> None:
    begun = time.process_time()
    names(ROOT)
    assert time.process_time() - begun < 0.05


def test_public_images_are_pinned_and_the_digest_wins_when_it_is_known() -> None:
    for image, pinned in PUBLIC.items():
        assert re.fullmatch(r"[a-z0-9.-]+/[a-z0-9/-]+:v?\d[\w.-]+", pinned.tag), image
        assert reference(image, Catalogue.PUBLIC) == str(pinned)
    assert str(Pinned("r/i:1", "sha256:ab")) == "r/i:1@sha256:ab"


def test_the_service_has_no_public_image_and_the_message_says_what_to_do() -> None:
    with pytest.raises(
        UserError, match=r"image service: .* no public registry\n.* name it in the stack file"
    ):
        reference(Image.SERVICE, Catalogue.PUBLIC)


def test_every_sandbox_image_has_a_dockerfile_without_a_foreign_base() -> None:
    for recipe in RECIPES.values():
        text = (ROOT / recipe.dockerfile).read_text()
        bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
        assert set(bases) <= {"scratch", *(f"${{{argument}}}" for argument in recipe.bases)}, recipe.name


# --- this machine's own configuration


def test_only_debian_s_own_suites_are_taken_from_the_machine() -> None:
    listing = (
        "http://m/debian/|bookworm|main|Debian\n"
        "http://m/debian/|bookworm-updates|main|\n"
        "http://s/debian-security/|bookworm-security|main|Debian\n"
        "http://other/apt/|bookworm|main|Somebody\n"
        "http://other/|bookworm-pgdg|main|\n"
        "http://m/debian/|trixie|main|Debian\n"
        "http://m/debian/|bookworm|contrib|Debian\n"
        "not a target\n"
    )
    assert [str(target) for target in machine.parse_targets(listing)] == [
        "deb http://m/debian/ bookworm main",
        "deb http://m/debian/ bookworm-updates main",
        "deb http://s/debian-security/ bookworm-security main",
    ]


def test_the_machine_s_apt_configuration_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = machine.apt_folder(tmp_path / "apt")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert re.search(r"^deb \S+ bookworm main$", (folder / "sources.list").read_text(), re.MULTILINE)
    assert "Acquire::IndexTargets" not in (folder / "apt.conf.d" / "50machine").read_text()


def test_pip_s_environment_wins_over_its_files_and_stays_out_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://file/\ntimeout = 7\nno-color = true\n")
    monkeypatch.setattr(machine, "PIP_FILES", (tmp_path / "pip.conf",))
    for key in machine.PIP_KEYS:
        monkeypatch.delenv(f"PIP_{key.upper().replace('-', '_')}", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:hidden@index/")
    mounts = machine.pip_mounts(tmp_path / "work")
    assert not any("hidden" in mount for mount in mounts)
    assert (tmp_path / "work" / "pip.conf").read_text() == (
        "[global]\nindex-url = https://user:hidden@index/\ntimeout = 7\n"
    )
    assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o700


# --- building


def test_an_image_is_built_once_and_its_archive_is_whole(cache: Path) -> None:
    shown = quiet()
    built = images.ensure([Image.PAUSE], NOWHERE, shown)
    path = images.archive(Image.PAUSE)
    assert built == {Image.PAUSE: path}
    with tarfile.open(path) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)[0]["RepoTags"] == [reference(Image.PAUSE, Catalogue.SANDBOX)]
    again = quiet()
    assert images.ensure([Image.PAUSE], NOWHERE, again) == built
    assert isinstance(again.stream, io.StringIO)
    assert again.stream.getvalue() == ""


def test_a_build_leaves_nothing_outside_the_cache(cache: Path) -> None:
    places = [Path(name) for name in ("/var/tmp", "/var/lib", "/var/lib/containers", "/run")]  # noqa: S108

    def there() -> list[set[Path]]:
        return [{*place.glob("*containers*"), *place.glob("*buildah*")} for place in places]

    before = there()
    images.ensure([Image.PAUSE], NOWHERE, quiet())
    assert there() == before


def test_a_builder_killed_outright_leaves_no_archive_no_mount_and_no_process(cache: Path) -> None:
    images.ensure([Image.PAUSE], NOWHERE, quiet())  # the tool is built, buildah's storage is there
    path = images.archive(Image.PAUSE)
    path.unlink()
    shutil.rmtree(cache / "storage")
    script = (
        "from infra.images import Image; from infra.progress import Progress\n"
        "from infra.sandbox import images; from infra.sandbox.config import SandboxConfig\n"
        "images.ensure([Image.PAUSE], SandboxConfig('no-such-cluster', 9), Progress(quiet=True))\n"
    )
    builder = subprocess.Popen([sys.executable, "-c", script], env=os.environ.copy(), cwd=ROOT)
    await_fact(lambda: any((folder / "context").exists() for folder in cache.glob(f"{buildah.TEMPORARY}*")))
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    await_fact(lambda: not processes_naming(str(cache)))
    assert str(cache) not in Path("/proc/self/mounts").read_text()
    assert not path.exists()
    images.ensure([Image.PAUSE], NOWHERE, quiet())
    assert path.is_file()
    assert list(cache.glob(f"{buildah.TEMPORARY}*")) == []


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


def test_a_build_told_to_stop_leaves_no_archive(cache: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        images.ensure([Image.PAUSE], NOWHERE, quiet(), stop=stop)
    assert not images.archive(Image.PAUSE).exists()
    assert list(cache.glob(f"{buildah.TEMPORARY}*")) == []


def test_a_broken_dockerfile_is_named_with_the_end_of_its_log(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Recipe("pause", "infra/sandbox/images/coredns/Dockerfile", tool="pause")
    monkeypatch.setattr(catalogue, "RECIPES", {**RECIPES, "pause": broken})
    monkeypatch.setattr(buildah, "RECIPES", catalogue.RECIPES)
    with pytest.raises(UserError) as failed:
        images.ensure([Image.PAUSE], NOWHERE, quiet())
    (problem,) = failed.value.problems
    assert "COPY" in problem.what
    assert str(cache / "logs" / "pause.log") in problem.what
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
    cache: Path, tmp_path: Path, line: str, what: str, remedy: str
) -> None:
    with pytest.raises(UserError) as failed:
        buildah._run("redis", ["sh", "-c", f"echo '{line}'; exit 1"], tmp_path / "log", threading.Event())
    (problem,) = failed.value.problems
    assert what in problem.what
    assert line in problem.what
    assert remedy in problem.remedy


def test_a_failed_debootstrap_points_at_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        machine, "debian_targets", lambda: [machine.Target("http://127.0.0.1:9/", "bookworm")]
    )
    with pytest.raises(UserError, match=r"image debian: debootstrap failed; the end of") as failed:
        roots.make_root(tmp_path / "r.tar", tmp_path, tmp_path / "log", quiet(), threading.Event())
    assert "apt-get update" in failed.value.problems[0].remedy
    assert not (tmp_path / "r.tar").exists()


def test_missing_programs_are_named_at_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(
        UserError, match=r"not installed: buildah, util-linux, tar\n.*apt-get install buildah"
    ):
        images.ensure([Image.REDIS], NOWHERE, quiet())


def test_the_newest_three_archives_stay_and_the_others_are_named(cache: Path) -> None:
    cache.mkdir(parents=True)
    for number in range(5):
        path = cache / f"service-{number}.tar"
        path.touch()
        os.utime(path, (number, number))
    shown = quiet()
    images._forget_old(Image.SERVICE, shown)
    assert sorted(path.name for path in cache.glob("*.tar")) == [f"service-{n}.tar" for n in (2, 3, 4)]
    assert isinstance(shown.stream, io.StringIO)
    assert re.findall(r"removed the old archive (\S+)", shown.stream.getvalue()) == [
        "service-0.tar",
        "service-1.tar",
    ]


def test_an_image_that_was_never_built_cannot_be_loaded(cache: Path) -> None:
    with pytest.raises(UserError, match=r"image localhost/slipway/redis:\w+: it is not built\n"):
        images.load(NOWHERE, quiet(), [Image.REDIS])
