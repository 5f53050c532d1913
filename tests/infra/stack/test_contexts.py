"""kubectl goes to the context of the stack's file, wherever a shell or its kubeconfig happens to be."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from infra import kubectl, stack
from infra.engine import contexts
from infra.sandbox import tools
from infra.settings import layers

HERE, THERE = "https://here.example:6443", "https://there.example:6443"
STACK = "config:\n  slipway:cluster: {{{}}}\n"


def kubeconfig(file: Path, current: str, **servers: str) -> Path:
    """Context → the address of its cluster."""
    contexts = [{"name": name, "context": {"cluster": name, "user": "ada"}} for name in servers]
    clusters = [{"name": name, "cluster": {"server": address}} for name, address in servers.items()]
    document = {"contexts": contexts, "clusters": clusters, "users": [{"name": "ada", "user": {}}]}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"kind": "Config", "apiVersion": "v1", "current-context": current, **document})
    )
    return file


Server = Callable[[Mapping[str, str]], str]


@pytest.fixture(scope="session")
def server() -> Server:
    """Where kubectl would go."""
    command = [str(tools.tool("kubectl")), "config", "view", "--minify", "--output=jsonpath={..server}"]

    def ask(environment: Mapping[str, str]) -> str:
        answer = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
        return answer.stdout or answer.stderr

    return ask


@pytest.fixture(autouse=True)
def _shell(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two contexts, of which the shell is in the one that no stack names."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    kubeconfig(tmp_path / ".kube" / "config", "elsewhere", elsewhere=HERE, prod=THERE)
    layers.stack_file("ledger-prod").write_text(STACK.format("context: prod"))


def test_it_is_the_stacks_context_and_not_the_current_one(server: Server) -> None:
    assert server(stack.shell("ledger-prod")) == THERE


def test_it_is_found_in_the_kubeconfig_that_the_shell_names(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = kubeconfig(tmp_path / "one", "elsewhere", elsewhere=HERE)
    other = kubeconfig(tmp_path / "other", "elsewhere", prod="https://third.example")
    monkeypatch.setenv("KUBECONFIG", f"{one}:{other}")
    assert server(stack.shell("ledger-prod")) == "https://third.example"


def test_it_is_found_in_the_kubeconfig_that_the_stack_file_names(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "one", "prod", prod=HERE)))
    own = kubeconfig(tmp_path / "own", "elsewhere", elsewhere=HERE, prod="https://own.example")
    layers.stack_file("ledger-prod").write_text(STACK.format(f"context: prod, kubeconfig: {own}"))
    assert server(stack.shell("ledger-prod")) == "https://own.example"


def test_a_context_that_there_is_not_leads_nowhere(server: Server) -> None:
    layers.stack_file("ledger-dev").write_text(STACK.format("context: dev"))
    assert "cannot locate context dev" in server(stack.shell("ledger-dev"))


@pytest.mark.parametrize("first", ["context: prod, kubeconfig: {own}", "context: elsewhere", "sandbox: true"])
def test_what_env_has_set_for_one_stack_leads_no_other_one_there(
    server: Server, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = kubeconfig(tmp_path / "own", "prod", prod=HERE)
    layers.stack_file("ledger-dev").write_text(STACK.format(first.format(own=own)))
    for name, value in stack.shell("ledger-dev").items():
        monkeypatch.setenv(name, value)
    assert server(stack.shell("ledger-prod")) == THERE
    again = stack.shell("ledger-prod")["KUBECONFIG"]
    monkeypatch.setenv("KUBECONFIG", again)
    assert stack.shell("ledger-prod")["KUBECONFIG"] == again


@pytest.mark.parametrize("named", [None, "/srv/one", "/srv/one:/srv/other"])
@pytest.mark.parametrize("stacks", ["context: prod", "context: prod, kubeconfig: /srv/own"])
def test_the_engines_program_sees_what_the_shell_had_said(
    stacks: str, named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if named:
        monkeypatch.setenv("KUBECONFIG", named)
    layers.stack_file("ledger-prod").write_text(STACK.format(stacks))
    monkeypatch.setenv("KUBECONFIG", stack.shell("ledger-prod")["KUBECONFIG"])
    contexts.unled()
    assert os.environ.get("KUBECONFIG") == (None if "own" in stacks else named)
    contexts.unled()
    assert os.environ.get("KUBECONFIG") == (None if "own" in stacks else named)


def test_a_program_of_ours_has_the_credentials_of_the_shell(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kubeconfig of EKS or GKE asks a program for a token, and that one asks the environment."""
    monkeypatch.setenv("AWS_PROFILE", "ledger")
    monkeypatch.setattr(stack, "outputs_while_up", lambda _: {"namespace": "ledger"})
    place = kubectl.place("ledger-prod")
    assert place.environment["AWS_PROFILE"] == "ledger"
    assert server(place.environment) == THERE


def test_what_kubectl_says_is_told_without_its_librarys_log() -> None:
    noise = 'E1129 04:39:54.054164   23874 memcache.go:265] "Unhandled Error" err="no such host"\n'
    said = 'error: context "prod" does not exist\n'
    assert kubectl.words(2 * noise + said) == 'error: context "prod" does not exist'
