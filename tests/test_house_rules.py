"""The house numbers and manners that a reader would otherwise have to check by eye."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.monitoring.programs import PROGRAMS

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 300
FUNCTION_LINES = 40
ALLOWED_IMPORTS = {  # settings ← monitoring ← render ← components ← program ← __main__
    "infra/settings": {"settings", "errors", "paths", "names", "limits", "versions"},
    "infra/monitoring": {"monitoring", "settings", "names", "limits", "versions"},
    "infra/render": {
        "render",
        "monitoring",
        "settings",
        "errors",
        "paths",
        "names",
        "limits",
        "versions",
        "images",
    },
    "infra/policy": {"policy", "render", "settings", "errors", "names"},
    "infra/components": {
        "components",
        "render",
        "settings",
        "errors",
        "names",
        "limits",
        "versions",
        "images",
    },
}


def tracked(suffix: str = "") -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listing.splitlines() if name.endswith(suffix) and (ROOT / name).is_file()]


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in tracked(".py"):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_module_is_longer_than_300_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in tracked(".py")
        if (count := path.read_text(encoding="utf-8").count("\n")) > MODULE_LINES
    }
    assert long == {}


def test_no_function_is_longer_than_40_lines() -> None:
    long = [
        f"{path}:{function.lineno} {function.name}"
        for path, tree in trees()
        for function in functions(tree)
        if (function.end_lineno or function.lineno) - function.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def test_no_exception_is_swallowed_without_a_word() -> None:
    silent = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
    ]
    assert silent == []


def test_every_test_file_is_one_that_pytest_collects() -> None:
    stray = [
        str(path)
        for path, tree in trees()
        if path.parts[0] == "tests"
        and any(function.name.startswith("test_") for function in functions(tree))
        and not path.name.startswith("test_")
    ]
    assert stray == []


def test_no_live_test_is_marked_to_be_skipped() -> None:
    marks = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        if path.parts[0] == "tests"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"skip", "skipif", "xfail", "importorskip"}
        and path.name != "test_house_rules.py"
    ]
    assert marks == []


def test_the_service_and_the_infrastructure_never_import_each_other() -> None:
    crossing = [
        f"{path} imports {name}"
        for path, tree in trees()
        for name in imported(tree)
        if (path.parts[0], name.split(".")[0]) in {("app", "infra"), ("infra", "app")}
    ]
    assert crossing == []


@pytest.mark.parametrize("room", sorted(ALLOWED_IMPORTS))
def test_imports_go_one_way(room: str) -> None:
    wrong = [
        f"{path} imports {name}"
        for path, tree in trees()
        if path.as_posix().startswith(room + "/")
        for name in imported(tree)
        if name.startswith("infra.") and name.split(".")[1] not in ALLOWED_IMPORTS[room]
    ]
    assert wrong == []


def test_only_the_components_at_aws_pay_for_its_sdk() -> None:
    importing = [
        str(path)
        for path, tree in trees()
        if path.parts[:3] != ("infra", "components", "aws")
        for name in imported(tree)
        if name.split(".")[0] == "pulumi_aws"
    ]
    assert importing == []


def test_components_know_no_environment_by_name() -> None:
    names = {"dev", "staging", "prod", "production", "sandbox"}
    compared = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        if path.parts[:2] == ("infra", "components")
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for part in [node.left, *node.comparators]
        if isinstance(part, ast.Constant) and part.value in names
    ]
    assert compared == []


def test_no_committed_file_names_a_package_host_or_a_path_of_one_machine() -> None:
    home = str(Path.home()).strip("/")
    forbidden = re.compile(
        "|".join(
            [
                rf"{re.escape(str(ROOT))}(?![\w-])",
                rf"(?<![\w.])/{home}/",
                r"proxy\.golang\.org",
                r"files\.pythonhosted\.org",
                r"deb\.debian\.org",
                r"registry\.npmjs\.org",
                r"://pypi\.org",
                r"docker\.io/",
                r"registry\.k8s\.io",
            ]
        )
    )
    hits = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if path.name != "test_house_rules.py" and path.stat().st_size < 2_000_000
        for match in [forbidden.search(path.read_text(encoding="utf-8", errors="replace"))]
        if match
    ]
    assert hits == []


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    declared = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    silent = [name for name in declared if not re.search(rf'"{re.escape(name)}",\s+# \S', text)]
    assert silent == []


def test_bootstrap_installs_every_package_whose_program_a_test_runs_as_a_pod_would() -> None:
    listed = (ROOT / "scripts/bootstrap").read_text().partition("PACKAGES=(")[2].partition("\n)")[0]
    packages = {name for line in listed.splitlines() for name in line.partition("#")[0].split()}
    assert set(PROGRAMS.values()) <= packages
