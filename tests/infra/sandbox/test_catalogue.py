"""The names of the images, and what image builds take from this machine's own configuration."""

from __future__ import annotations

import re
import shutil
import stat
from pathlib import Path

import pytest

from infra.errors import UserError
from infra.images import PUBLIC, PUBLIC_METERS, RECIPES, Catalogue, Image, Meter, Pinned, meter, reference
from infra.paths import ROOT
from infra.sandbox import machine

pytestmark = pytest.mark.unit
PINNED = r"[a-z0-9/_-]+:v?\d[\w.-]+"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of everything that decides about images."""
    for name in ("app", "infra/backups", "infra/sandbox/images", "infra/sandbox/tools", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".dockerignore", "infra/sandbox/roots.py", "infra/__init__.py", "infra/errors.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def names(root: Path) -> dict[Image, str]:
    return {image: reference(image, Catalogue.SANDBOX, root) for image in Image}


def changed(before: dict[Image, str], after: dict[Image, str]) -> set[Image]:
    return {image for image in Image if before[image] != after[image]}


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
        ("infra/sandbox/images/python/Dockerfile", {Image.SERVICE, Image.BACKUPS}),
        ("infra/sandbox/images/redis/Dockerfile", {Image.REDIS}),
        (
            "infra/sandbox/images/debian/install-packages",
            {Image.SERVICE, Image.REDIS, Image.POSTGRES, Image.BACKUPS, Image.MONITORING},
        ),
        ("infra/sandbox/images/postgres/Dockerfile", {Image.POSTGRES, Image.BACKUPS}),
        ("infra/sandbox/tools/versitygw/go.sum", {Image.VERSITYGW, Image.BACKUPS}),
        ("infra/backups/store.py", {Image.BACKUPS}),
        ("infra/errors.py", {Image.BACKUPS}),
        ("requirements/backups.txt", {Image.BACKUPS}),
        ("infra/sandbox/tools/coredns/go.sum", {Image.COREDNS}),
        ("infra/sandbox/images/monitoring/Dockerfile", {Image.MONITORING}),
        ("infra/sandbox/tools/kube-state-metrics/go.sum", {Image.KUBE_STATE_METRICS}),
        ("infra/sandbox/tools/prometheus-adapter/go.sum", {Image.PROMETHEUS_ADAPTER}),
        ("infra/sandbox/tools/victorialogs/go.sum", {Image.VICTORIA_LOGS, Image.VLAGENT}),
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


def test_public_images_are_pinned_and_the_digest_wins_when_it_is_known() -> None:
    for image, pinned in PUBLIC.items():
        assert re.fullmatch(PINNED, pinned.tag), image
        assert reference(image, Catalogue.PUBLIC) == str(pinned)
    for program, pinned in PUBLIC_METERS.items():
        assert re.fullmatch(PINNED, pinned.tag), program
        assert meter(program, Catalogue.PUBLIC) == str(pinned)
    assert set(PUBLIC_METERS) == set(Meter)
    assert str(Pinned("r/i:1", "sha256:ab")) == "r/i:1@sha256:ab"


def test_in_the_sandbox_one_image_holds_every_program_that_measures() -> None:
    assert {meter(program, Catalogue.SANDBOX) for program in Meter} == {names(ROOT)[Image.MONITORING]}


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


def test_a_machine_without_apt_lists_still_names_its_own_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    known = machine._configured()
    monkeypatch.setattr(machine, "_configured", lambda *options: known if options else [])
    machine.debian_targets.cache_clear()
    assert machine.debian_targets() == tuple(known)


def test_another_distribution_uses_debootstrap_s_own_mirror() -> None:
    (target,) = machine._default()
    assert target.suite == "bookworm"
    assert target.uri.startswith("http")


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
    assert not any("hidden" in mount for mount in machine.pip_trust())
    assert machine.pip_file(tmp_path / "work").read_text() == (
        "[global]\nindex-url = https://user:hidden@index/\ntimeout = 7\n"
    )
    assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o700
