"""The running sandbox as tests see it: its addresses, kubectl, Pulumi, and pods through kubectl://."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import testinfra
import yaml
from testinfra.host import Host

from infra import stack as stacks
from infra.paths import ROOT, stacks_dir

STACK = "sandbox"
STACK_FILE = stacks_dir() / f"Pulumi.{STACK}.yaml"
Kubectl = Callable[..., str]


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment of ``slipway env``."""
    return stacks.environment(STACK)


@pytest.fixture(scope="session")
def outputs() -> dict[str, Any]:
    """What the stack exports; a sandbox that is not up fails every live test with the remedy."""
    found = stacks.outputs(STACK)
    if not found.get("url"):
        pytest.fail("the sandbox is not up; run: make up")
    return found


@pytest.fixture(scope="session")
def kubectl(environment: dict[str, str], outputs: dict[str, Any]) -> Kubectl:
    """``kubectl(*arguments)`` in the stack's namespace; its standard output."""

    def run(*arguments: str, stdin: str | None = None) -> str:
        command = ["kubectl", "--namespace", outputs["namespace"], *arguments]
        answer = subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, f"{' '.join(command)}\n{answer.stderr}"
        return answer.stdout

    return run


@pytest.fixture(scope="session")
def objects(kubectl: Kubectl) -> Callable[..., list[dict[str, Any]]]:
    """``objects(kind, selector)``: the live objects as data."""

    def get(kind: str, selector: str = "") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(kubectl("get", kind, "-l", selector, "-o", "json"))["items"]
        return items

    return get


@pytest.fixture
def pod(
    objects: Callable[..., list[dict[str, Any]]],
    outputs: dict[str, Any],
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Host]:
    """``pod(name)``: a testinfra host inside the first ready pod of that component."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def connect(component: str) -> Host:
        ready = [
            item["metadata"]["name"]
            for item in objects("pods", f"app.kubernetes.io/name={component}")
            if all(status["ready"] for status in item["status"].get("containerStatuses", [{"ready": False}]))
        ]
        assert ready, f"no pod of {component} is ready"
        return testinfra.get_host(
            f"kubectl://{ready[0]}?container={component}&namespace={outputs['namespace']}"
        )

    return connect


@pytest.fixture(scope="session")
def api(outputs: dict[str, Any]) -> Iterator[httpx.Client]:
    """An HTTP client with the development token."""
    headers = {"Authorization": f"Bearer {stacks.secret(STACK, 'devToken')}"}
    with httpx.Client(base_url=outputs["url"], headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def slipway(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``slipway(*arguments)`` as a user runs it, from the project's root."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / ".venv" / "bin" / "slipway"), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def pulumi(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``pulumi(*arguments)`` on the sandbox stack, as after ``eval "$(slipway env)"``."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--stack", STACK, "--non-interactive"]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def stack_file() -> Iterator[Callable[[Callable[[dict[str, Any]], None]], None]]:
    """``stack_file(change)`` changes the file's config block; the file is restored afterwards."""
    original = STACK_FILE.read_bytes()

    def edit(change: Callable[[dict[str, Any]], None]) -> None:
        document = yaml.safe_load(original)
        change(document.setdefault("config", {}))
        STACK_FILE.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))

    yield edit
    STACK_FILE.write_bytes(original)


@pytest.fixture
def restored(slipway: Callable[..., subprocess.CompletedProcess[str]], stack_file: Any) -> Iterator[None]:
    """After the test the stack file is as it was, and `slipway up` completes with it."""
    original = STACK_FILE.read_bytes()
    yield
    STACK_FILE.write_bytes(original)
    answer = slipway("up")
    assert answer.returncode == 0, f"the next up does not complete:\n{answer.stdout}\n{answer.stderr}"
