"""The builder of tools on real, tiny Go modules: whole or not at all, and one cause for each failure."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from infra.errors import UserError
from infra.paths import cache_dir
from infra.sandbox import build, go, tools
from infra.sandbox.build import Companion, Family
from tests.infra.sandbox.helpers import SECONDS, await_fact, leftovers, module, progress, said

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("cache")]
Disk = namedtuple("Disk", "total used free")


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return module(tmp_path / "src" / "hello", 'func main() { println("hello") }\n')


def test_a_tool_is_built_once_and_found_again(family: Family) -> None:
    first = build.build(family, progress())
    made = (first / "hello").stat().st_mtime_ns
    shown = progress()
    assert build.build(family, shown) == first
    assert (first / "hello").stat().st_mtime_ns == made
    assert said(shown) == ""
    assert subprocess.run([first / "hello"], capture_output=True, text=True, check=True).stderr == "hello\n"


def test_a_build_says_its_name_and_how_long_it_took(family: Family) -> None:
    shown = progress()
    build.build(family, shown)
    assert re.search(r"tool hello: building hello\n.*tool hello: done in \d+\.\d s\n", said(shown))


def test_a_family_of_several_binaries_is_built_at_once(tmp_path: Path) -> None:
    source = tmp_path / "src" / "pair"
    module(source)
    for name in ("left", "right"):
        (source / name).mkdir()
        (source / name / "main.go").write_text("package main\n\nfunc main() {}\n")
    pair = Family("pair", source, {name: f"example.test/pair/{name}" for name in ("left", "right")})
    folder = build.build(pair, progress())
    assert sorted(path.name for path in folder.iterdir()) == ["built.json", "left", "right"]


def test_a_folder_of_a_module_lies_beside_the_binary_and_can_be_written_to(tmp_path: Path) -> None:
    companion = Companion(tools.family_of("kubectl").source, "k8s.io/klog/v2@v2.130.1", "internal")
    made = replace(module(tmp_path / "with"), companions=(companion,))
    folder = build.build(made, progress())
    assert (folder / "internal" / "severity" / "severity.go").is_file()
    assert all(path.stat().st_mode & 0o200 for path in folder.rglob("*"))
    assert build.found(made) == folder


def test_build_tags_decide_what_is_built(tmp_path: Path) -> None:
    family = module(tmp_path / "tagged", 'func main() { println("all") }\n')
    (family.source / "main.go").write_text("//go:build chosen\n\npackage main\n\nfunc main() {}\n")
    with pytest.raises(UserError):
        build.build(family, progress())
    assert (build.build(replace(family, tags="chosen"), progress()) / family.name).is_file()


def test_a_folder_that_lost_its_binary_is_built_again(family: Family) -> None:
    folder = build.build(family, progress())
    (folder / "hello").unlink()
    assert build.found(family) is None
    assert (build.build(family, progress()) / "hello").is_file()


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go"])
def test_the_key_changes_with_every_file_that_decides(family: Family, name: str) -> None:
    before = family.key()
    with (family.source / name).open("a") as file:
        file.write("\n")
    assert family.key() != before


def test_the_key_changes_with_the_flags(family: Family) -> None:
    other = Family(family.name, family.source, family.binaries, "-s -w -X main.version=v2")
    assert re.fullmatch(r"[0-9a-f]{12}", family.key())
    assert other.key() != family.key()


def test_only_the_present_build_and_the_one_before_are_kept(family: Family) -> None:
    for number in range(4):
        (family.source / "main.go").write_text(f"package main\n\nfunc main() {{ println({number}) }}\n")
        last = build.build(family, progress())
    assert len(list(family.folder.glob(f"*/{build.MARK}"))) == build.KEPT_BUILDS
    assert build.found(family) == last


def test_a_builder_killed_outright_leaves_nothing_that_counts_and_no_process(
    family: Family, tmp_path: Path
) -> None:
    script = tmp_path / "builder.py"
    script.write_text(
        "import sys; from pathlib import Path; from infra.progress import Progress\n"
        "from infra.sandbox.build import Family, build\n"
        f"build(Family('hello', Path({str(family.source)!r}), {{'hello': '.'}}), Progress(quiet=True))\n"
    )
    # An empty build cache makes this build of the runtime long enough to be met in the middle.
    environment = {**os.environ, "GOCACHE": str(tmp_path / "gocache")}
    builder = subprocess.Popen([sys.executable, script], env=environment)
    children = Path(f"/proc/{builder.pid}/task/{builder.pid}/children")
    await_fact(lambda: bool(leftovers(family)) and bool(children.read_text().split()))
    child = Path("/proc") / children.read_text().split()[0]
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    await_fact(
        lambda: not child.exists() or "Z" in (child / "stat").read_text().rpartition(")")[2].split()[0]
    )
    assert leftovers(family)
    assert build.found(family) is None
    folder = build.build(family, progress())
    assert leftovers(family) == []
    assert (folder / "hello").is_file()


def test_a_build_told_to_stop_ends_its_compiler_and_leaves_nothing(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOCACHE", str(tmp_path / "gocache"))
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(build.build, family, progress(), stop)
        await_fact(lambda: bool(leftovers(family)))
        stop.set()
        with pytest.raises(KeyboardInterrupt):
            running.result(SECONDS)
    assert leftovers(family) == []
    assert build.found(family) is None


def test_a_second_builder_waits_for_the_first_and_says_so(family: Family) -> None:
    family.folder.mkdir(parents=True)
    shown = progress()
    with ThreadPoolExecutor(1) as pool, (family.folder / "lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = pool.submit(build.build, family, shown)
        await_fact(lambda: "tool hello: waiting for its turn: process 4711 is building" in said(shown))
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert (running.result(SECONDS) / "hello").is_file()


# --- what can go wrong


def test_a_compile_error_shows_the_end_of_the_log_and_where_it_is(tmp_path: Path) -> None:
    broken = module(tmp_path / "src" / "broken", "func main() { undefinedThing() }\n")
    with pytest.raises(UserError) as failed:
        build.build(broken, progress())
    assert "undefined: undefinedThing" in str(failed.value)
    assert str(tmp_path / "cache" / "slipway" / "tools" / "logs" / "broken-build.log") in str(failed.value)
    assert leftovers(broken) == []


def test_a_refused_module_is_told_from_a_compile_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOFLAGS", "-modcacherw")
    text = 'import _ "example.com/x"\n\nfunc main() {}\n'
    lacking = module(tmp_path / "src" / "lacking", text, require="\nrequire example.com/x v1.0.0\n")
    (lacking.source / "go.sum").write_text(
        "example.com/x v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
        "example.com/x v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    )
    with pytest.raises(UserError) as failed:
        build.build(lacking, progress())
    assert "a module could not be downloaded" in str(failed.value)
    assert "go env GOPROXY" in failed.value.problems[0].remedy


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("write /x/y.a: no space left on device", "the disk is full"),
        ("verifying k8s.io/api@v0.34.3: checksum mismatch", "not the one that go.sum names"),
        ("reading https://p/x/@v/list: 403 Forbidden", "could not be downloaded"),
        ('Get "https://p/": dial tcp: lookup p: no such host', "could not be downloaded"),
        ("k8s.io/api: /compile: signal: killed", "too little memory"),
        ("./main.go:3:1: syntax error", "the build failed; the end of"),
    ],
)
def test_each_failure_of_go_has_its_own_cause_and_remedy(tmp_path: Path, line: str, cause: str) -> None:
    log = tmp_path / "a.log"
    log.write_text(f"go: downloading x v1.2.3\n{line}\n")
    problem = go.explain("etcd", log)
    assert problem.where == "tool etcd"
    assert cause in problem.what
    assert line in problem.what
    assert problem.remedy


def test_without_go_the_message_says_where_to_get_it(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(go, "OFFICIAL_GO", Path("/nonexistent/go"))
    with pytest.raises(UserError, match="no Go toolchain on PATH") as failed:
        build.build(family, progress())
    assert failed.value.problems[0].remedy == go.INSTALL_GO


def test_without_go_an_earlier_build_of_the_same_sources_is_used(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build.build(family, progress())
    go.toolchain.cache_clear()
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(go, "OFFICIAL_GO", Path("/nonexistent/go"))
    assert build.found(family) == folder
    (family.source / "go.sum").write_text("\n")
    assert build.found(family) is None


@pytest.mark.parametrize(
    ("built_before", "words"),
    [(False, r"0\.5 GiB free on .*, 10 GiB are needed\n.*free 9\.5 GiB"), (True, "2 GiB are needed")],
)
def test_too_small_a_disk_is_refused_before_the_build(
    family: Family, monkeypatch: pytest.MonkeyPatch, built_before: bool, words: str
) -> None:
    if built_before:
        (cache_dir() / "tools" / "other" / "key").mkdir(parents=True)
        (cache_dir() / "tools" / "other" / "key" / build.MARK).write_text("{}")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(1 << 40, 1 << 40, 1 << 29))
    with pytest.raises(UserError, match=words):
        build.build(family, progress())
