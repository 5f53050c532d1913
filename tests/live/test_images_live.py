"""What is in the archives that the sandbox runs: read from the files themselves, layer over layer."""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import pytest

from infra import versions
from infra.errors import UserError
from infra.images import Image
from infra.progress import Progress
from infra.sandbox import images, machine
from infra.sandbox.config import SandboxConfig

pytestmark = [pytest.mark.live, pytest.mark.slow]

NOWHERE = SandboxConfig("no-such-cluster", 9)  # an archive is asked for, whatever runs
WHITEOUT = ".wh."
SET_ID = 0o6000
TEXTS = re.compile(r"etc/(passwd|apt/.*|pip\.conf)|root/.*|.*/pip\.conf")


@dataclass(frozen=True)
class Content:
    """A finished image: its configuration, its files by path without the first slash, some files' text."""

    config: dict[str, Any]
    files: dict[str, tarfile.TarInfo]
    texts: dict[str, str]

    def named(self, pattern: str) -> list[str]:
        return sorted(path for path in self.files if re.search(pattern, path))


@cache
def content(image: Image) -> Content:
    path = images.ensure([image], NOWHERE, Progress(quiet=True))[image]
    assert path is not None
    with tarfile.open(path) as archive:

        def read(name: str) -> bytes:
            member = archive.extractfile(name)
            assert member is not None, name
            return member.read()

        manifest = json.loads(read("manifest.json"))[0]
        files: dict[str, tarfile.TarInfo] = {}
        texts: dict[str, str] = {}
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(read(layer))) as content_of_layer:
                _lay_over(files, texts, content_of_layer)
        return Content(json.loads(read(manifest["Config"]))["config"], files, texts)


def _lay_over(files: dict[str, tarfile.TarInfo], texts: dict[str, str], layer: tarfile.TarFile) -> None:
    for member in layer:
        path = str(PurePosixPath(member.name))
        name = path.rpartition("/")[2]
        if name.startswith(WHITEOUT):
            gone = path.replace(f"/{name}", f"/{name.removeprefix(WHITEOUT)}")
            for old in [old for old in files if old == gone or old.startswith(f"{gone}/")]:
                files.pop(old)
                texts.pop(old, None)
            continue
        files[path] = member
        if member.isfile() and TEXTS.fullmatch(path) and (data := layer.extractfile(member)):
            texts[path] = data.read().decode(errors="replace")


def test_the_service_image_has_no_installer_and_no_compiler() -> None:
    service = content(Image.SERVICE)
    assert service.named(r"(^|/)bin/(pip\d*|pip3\.\d+|gcc|cc|g\+\+|c\+\+|make|ld|as|git|curl|wget)$") == []
    assert service.named(r"(^|/)(pip|setuptools|wheel)(/|-[\d.]+\.dist-info/)") == []
    assert service.named(r"(^|/)usr/include/.|/cc1$|(^|/)lib(gcc|c)\.a$") == []


def test_the_service_runs_as_its_own_user_and_says_how_it_is() -> None:
    config = content(Image.SERVICE).config
    assert config["User"] == "10001:10001"
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert list(config["ExposedPorts"]) == ["8000/tcp"]


def test_the_service_image_holds_the_code_and_no_test_of_it() -> None:
    service = content(Image.SERVICE)
    assert "srv/app/main.py" in service.files
    assert service.named(r"^srv/app/(.*/)?(tests|__pycache__|Dockerfile|\.env)") == []
    assert "opt/site/fastapi/__init__.py" in service.files


def test_the_service_cannot_change_its_own_code() -> None:
    files = content(Image.SERVICE).files
    own = [p for p, f in files.items() if p.startswith(("srv/app/", "opt/site/")) and f.uid != 0]
    others = [
        p for p, f in files.items() if p.startswith(("srv/", "opt/")) and f.mode & 0o002 and not f.issym()
    ]
    assert own == []
    assert others == []


@pytest.mark.parametrize("image", list(Image))
def test_no_image_lets_its_user_become_another(image: Image) -> None:
    found = content(image)
    assert [p for p, f in found.files.items() if f.isfile() and f.mode & SET_ID] == []
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", found.config["User"])


@pytest.mark.parametrize("image", list(Image))
def test_no_image_holds_a_key_or_this_machine_s_addresses(image: Image) -> None:
    found = content(image)
    assert (
        found.named(
            r"(^|/)etc/ssl/private/.|^root/\.(ssh|netrc|pip|config|cache|docker|aws)|ssh_host_|\.pem\.key$"
        )
        == []
    )
    hosts = {target.uri for target in machine.debian_targets()}
    assert [p for p, text in found.texts.items() if any(host in text for host in hosts)] == []
    assert "etc/pip.conf" not in found.files


@pytest.mark.parametrize("image", [Image.POSTGRES, Image.REDIS])
def test_the_data_images_have_user_999_under_its_name_and_a_shell(image: Image) -> None:
    found = content(image)
    assert re.search(rf"^{image}:x:999:999:", found.texts["etc/passwd"], re.MULTILINE)
    assert found.config["User"] == "999:999"
    assert "bin/bash" in found.files or "usr/bin/bash" in found.files


def test_the_postgres_image_has_its_programs_on_path_and_no_cluster() -> None:
    found = content(Image.POSTGRES)
    folder = f"usr/lib/postgresql/{versions.POSTGRES_MAJOR}/bin"
    for name in ("postgres", "initdb", "psql", "pg_isready", "pg_dump", "pg_basebackup", "pg_ctl"):
        assert f"{folder}/{name}" in found.files
    assert any(f"/{folder}:" in entry for entry in found.config["Env"] if entry.startswith("PATH="))
    assert found.named(r"PG_VERSION$") == []
    assert found.named(r"(^|/)C\.utf8/") != []
    assert found.named(r"extension/(pgcrypto|pg_stat_statements)\.control$") != []


def test_the_redis_image_has_server_and_client_and_no_configuration_of_its_own() -> None:
    found = content(Image.REDIS)
    assert {"usr/bin/redis-server", "usr/bin/redis-cli"} <= set(found.files) | set(
        found.named("redis-server$")
    )
    assert found.named(r"^etc/redis/.") == []


@pytest.mark.parametrize("image", [Image.PAUSE, Image.COREDNS])
def test_the_static_images_hold_one_file(image: Image) -> None:
    files = content(image).files
    assert [path for path, member in files.items() if member.isfile()] == [str(image)]


def test_an_archive_that_containerd_refuses_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    config = SandboxConfig()
    broken = tmp_path_factory.mktemp("images") / "broken.tar"
    broken.write_bytes(b"not an archive")
    with pytest.raises(UserError, match="image localhost/slipway/broken:1: containerd did not take it"):
        images._import(config, broken, "localhost/slipway/broken:1")
