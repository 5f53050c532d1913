"""The life of a stack against a stand-in for the Pulumi CLI that writes down how it was called."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from infra import launch, paths, stack, stack_secrets
from infra.engine import cli, local_state, passphrase
from infra.errors import UserError
from infra.images import Image
from infra.settings import check, layers
from infra.settings.secrets import OF_GRAFANA, SecretName
from tests.infra.stack.conftest import QUIET, lock, seen

pytestmark = pytest.mark.unit
NEEDED = [name for name in SecretName if not name.given and name not in OF_GRAFANA]


def test_the_first_run_makes_passphrase_file_stack_and_every_secret(calls: Path) -> None:
    stack.ensure_stack("sandbox", QUIET)
    assert passphrase.file().stat().st_mode & 0o777 == 0o600
    assert len(passphrase.file().read_text()) == 43
    made = [call["args"][4].rpartition(".")[2] for call in seen(calls) if "--secret" in call["args"]]
    assert made == [name.value for name in NEEDED]
    assert all(item.age_days(stack_secrets.today()) == 0 for item in stack_secrets.held("sandbox"))
    assert check.load("sandbox").cluster.sandbox


def test_a_secret_goes_through_standard_input_and_is_long_enough(calls: Path) -> None:
    stack.ensure_stack("sandbox", QUIET)
    given = [call for call in seen(calls) if call["stdin"]]
    assert len(given) == len(NEEDED)
    for call in given:
        assert len(call["stdin"]) == 43
        assert call["stdin"] not in " ".join(call["args"])
        assert "--secret" in call["args"]


def test_the_second_run_makes_nothing(calls: Path) -> None:
    stack.ensure_stack("sandbox", QUIET)
    kept, before = passphrase.file().read_text(), len(seen(calls))
    stack.ensure_stack("sandbox", QUIET)
    assert (passphrase.file().read_text(), len(seen(calls))) == (kept, before)


def test_a_stack_file_whose_passphrase_is_lost_is_refused_with_the_remedy(calls: Path) -> None:
    layers.stack_file("sandbox").write_text("encryptionsalt: v1:abc:v1:abc:abc\nconfig: {}\n")
    with pytest.raises(
        UserError, match="is encrypted with a passphrase that this machine has lost"
    ) as caught:
        stack.ensure_stack("sandbox", QUIET)
    assert "begin anew: rm " in str(caught.value)
    assert not passphrase.file().exists()


@pytest.mark.parametrize(
    "text", ["config: [1]\n", "config: {slipway:secrets: x}\n", "config: {slipway:cluster: 3}\n"]
)
def test_a_broken_stack_file_is_reported_and_stops_the_run(calls: Path, text: str) -> None:
    stack.ensure_stack("sandbox", QUIET)
    layers.stack_file("sandbox").write_text(text)
    with pytest.raises(UserError, match=r"Pulumi\.sandbox\.yaml:[12]:"):
        stack.ensure_stack("sandbox", QUIET)


def test_another_passphrase_is_told_in_words(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PULUMI", "sys.exit('error: incorrect passphrase')")
    with pytest.raises(UserError, match="encrypted with another passphrase than the one at hand"):
        cli.capture(["config", "get", "--stack", "sandbox"], {})


def test_the_sandbox_environment_points_at_this_machine_only(calls: Path) -> None:
    values = stack.environment("sandbox")
    assert values["PULUMI_BACKEND_URL"] == f"file://{paths.state_dir()}/pulumi"
    assert values["KUBECONFIG"].endswith("/sandbox/slipway/kubeconfig")
    assert str(stack.PLUGINS) in values["PATH"].split(":")


def test_a_real_stack_never_gets_the_sandbox_plugin(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", stack.environment("sandbox")["PATH"])
    layers.stack_file("ledger-prod").write_text("config:\n  slipway:cluster: {context: prod}\n")
    values = stack.environment("ledger-prod")
    assert "PULUMI_BACKEND_URL" not in values
    assert str(stack.PLUGINS) not in values["PATH"].split(":")


def test_a_stack_of_a_team_goes_to_the_sandbox_when_its_file_says_so(calls: Path) -> None:
    layers.stack_file("ledger-dev").write_text("config:\n  slipway:cluster: {sandbox: true, name: other}\n")
    assert stack.is_sandbox("ledger-dev")
    assert stack.environment("ledger-dev")["KUBECONFIG"].endswith("/sandbox/other/kubeconfig")


@pytest.mark.parametrize(
    ("scaling", "measured", "by_requests"),
    [
        ("{enabled: true}", True, False),
        ("{enabled: true, requests_per_second: 5}", True, True),
        ("{requests_per_second: 5}", False, False),
        ("3", False, False),
    ],
)
def test_a_stack_that_scales_brings_what_tells_its_autoscaler(
    calls: Path, scaling: str, measured: bool, by_requests: bool
) -> None:
    layers.stack_file("sandbox").write_text(f"config: {{slipway:service: {{autoscaling: {scaling}}}}}\n")
    assert stack.cluster("sandbox").metrics is measured
    assert (Image.PROMETHEUS_ADAPTER in launch.images_of("sandbox")) is by_requests


def test_up_refreshes_so_that_drift_is_set_right(calls: Path) -> None:
    stack.ensure_stack("sandbox", QUIET)
    stack.up("sandbox", QUIET)
    assert seen(calls)[-1]["args"][:4] == ["up", "--stack", "sandbox", "--refresh"]
    assert "PULUMI_K8S_UPSERT_EXISTING_OBJECTS" not in seen(calls)[-1]["env"]


def test_an_interrupted_run_is_cleared_up_before_the_next(calls: Path) -> None:
    stack.ensure_stack("sandbox", QUIET)
    state = {"checkpoint": {"latest": {"pending_operations": [{"type": "creating"}]}}}
    local_state.file("sandbox").write_text(json.dumps(state))
    stack.up("sandbox", QUIET)
    refresh, up = seen(calls)[-2:]
    assert refresh["args"][0] == "refresh"
    assert "--clear-pending-creates" in refresh["args"]
    assert up["env"]["PULUMI_K8S_UPSERT_EXISTING_OBJECTS"] == "true"


def test_a_failed_up_ends_in_one_message(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.ensure_stack("sandbox", QUIET)
    monkeypatch.setenv("FAKE_PULUMI", "sys.exit(7)")
    with pytest.raises(UserError, match=r"was not brought to its end \(exit code 7\)"):
        stack.up("sandbox", QUIET)


def test_outputs_of_a_stack_that_was_never_up_are_empty(calls: Path) -> None:
    assert stack.outputs("sandbox") == {}


def test_forgetting_a_stack_leaves_other_stacks_alone(calls: Path) -> None:
    stack.ensure_stack("sandbox", QUIET)
    other = local_state.file("ledger-dev")
    other.write_text("{}")
    local_state.forget("sandbox")
    assert not local_state.file("sandbox").exists()
    assert other.exists()


def test_a_ctrl_c_that_ended_pulumi_at_once_leaves_no_lock(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> int:
        process = subprocess.Popen(["true"])
        process.wait()
        made.append(lock(local_state.backend(), process.pid))
        raise KeyboardInterrupt

    made: list[Path] = []
    stack.ensure_stack("sandbox", QUIET)
    monkeypatch.setattr(stack, "live", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stack.up("sandbox", QUIET)
    assert [path.exists() for path in made] == [False]


def test_ctrl_c_reaches_pulumi_once_and_is_waited_for(calls: Path, tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import signal, time
        got = []
        signal.signal(signal.SIGINT, lambda *_: got.append(1))
        print("ready", flush=True)
        while not got:
            time.sleep(0.01)
        time.sleep(0.3)  # stands for the time that Pulumi needs to cancel
        print("interrupted", len(got), flush=True)
        sys.exit(1)
    """)
    program = (
        "from infra.engine import cli\ntry:\n    cli.live(['up'], {})\n"
        "except KeyboardInterrupt:\n    print('waited', flush=True)\n"
    )
    process = subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-c", program],
        env={**os.environ, "FAKE_PULUMI": script},
        cwd=paths.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=10)[0] == "interrupted 1\nwaited\n"


def test_the_outputs_of_a_stack_without_a_file_are_refused_in_our_own_words(calls: Path) -> None:
    with pytest.raises(UserError, match=r"Pulumi\.ledger-dev\.yaml: does not exist"):
        stack.outputs("ledger-dev")
