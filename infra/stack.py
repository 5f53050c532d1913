"""The life of a Pulumi stack around the engine's own commands: made ready, brought up, healed, taken down."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra import paths, stack_secrets
from infra.engine import contexts, events, local_state, locks, passphrase
from infra.engine.cli import capture, capture_json, live, whole
from infra.errors import EXIT_FAILED, Problem, UserError
from infra.names import PROJECT, SANDBOX
from infra.progress import Progress
from infra.sandbox import tools
from infra.sandbox.config import PodNetwork, SandboxConfig, standing
from infra.settings import check, layers
from infra.settings.cluster import Cluster
from infra.settings.flaw import RefusedError
from infra.settings.sandbox import Sandbox
from infra.settings.sealed import MISSING_SECRET
from infra.settings.secrets import SecretName
from infra.settings.stack import Environment, StackName

PLUGINS = paths.ROOT / "infra" / "sandbox" / "providers" / "bin"
AGAIN = {"up": "up", "refresh": "up", "preview": "preview", "destroy": "down"}
FOLDER_VARIABLES = ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")  # they say where state and cache are
AT_ONCE = "--skip-preview"
UNATTENDED = ("--yes", AT_ONCE, "--suppress-permalink=true", "--non-interactive")
STACK_FILE = """\
# yaml-language-server: $schema=./schema.json
# Written by slipway for this machine and not committed: the secrets are encrypted with its own passphrase.
# Whatever stands here wins over stacks/profiles/sandbox.yaml.
config:
  slipway:cluster:
    sandbox: true
"""


def is_sandbox(stack: str) -> bool:
    """Whether the stack goes to a sandbox of this machine. Raises UserError for a name that is no stack."""
    if StackName.parse(stack).environment is Environment.SANDBOX:
        return True
    if not layers.stack_file(stack).is_file():
        return local_state.file(stack).is_file()  # it was here once, and must be able to go
    return layers.draft(stack)["cluster"].get("sandbox") is True


def cluster(stack: str) -> SandboxConfig:
    """The sandbox cluster that the stack goes to. Raises UserError where name or network cannot be used."""
    try:
        draft = layers.draft(stack)
        wanted = Cluster.model_validate(draft["cluster"])
        joined = Sandbox.model_validate_json(json.dumps(draft["sandbox"])).network
    except ValidationError:
        check.load(stack, secrets=False)  # says where and why
        raise
    scaling = draft["service"].get("autoscaling")
    measured = isinstance(scaling, dict) and scaling.get("enabled") is True
    return standing(wanted.name, wanted.network, PodNetwork(joined) if joined else None, metrics=measured)


def environment(stack: str) -> dict[str, str]:
    """What plain ``pulumi`` and ``kubectl`` need for this stack. Raises UserError without a built Pulumi."""
    venv = Path(sys.prefix)
    folders = [str(venv / "bin"), *map(str, tools.bin_folders())]
    values = {
        "VIRTUAL_ENV": str(venv),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_SUPPRESS_NEO_LINK": "true",
        **passphrase.variables(stack),
    }
    if is_sandbox(stack):
        folders.insert(1, str(PLUGINS))
        values |= {**local_state.variables(), "KUBECONFIG": str(cluster(stack).kubeconfig)}
        if kubectl := tools.cached("kubectl"):
            folders.append(str(kubectl.parent))
    if paths.stacks_dir() != paths.ROOT / "stacks":
        values["SLIPWAY_STACKS"] = str(paths.stacks_dir())
    kept = {name: os.environ[name] for name in FOLDER_VARIABLES if name in os.environ}
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    rest = [part for part in path if part not in {*folders, str(PLUGINS)}]
    return {**kept, **values, "PATH": os.pathsep.join([*dict.fromkeys(folders), *rest])}


def shell(stack: str) -> dict[str, str]:
    """``environment``, and kubectl goes to the context that the stack's file names."""
    try:
        wanted = Cluster.model_validate(layers.draft(stack)["cluster"])
    except ValidationError:  # whatever comes next checks the file, and says where and why
        return environment(stack)
    named = contexts.leading(stack, wanted.context, wanted.kubeconfig_path) if wanted.context else {}
    return environment(stack) | named


def surroundings(stack: str) -> dict[str, str]:
    """What kubectl is started with: ``shell``, and the user's variables, in which credentials may stand."""
    return whole(shell(stack))


def passphrase_environment(stack: str) -> dict[str, str]:
    """The part of ``environment`` that Pulumi reads the stack's secrets with; a missing passphrase is made.

    Raises UserError where the stack's secrets were encrypted with one that this machine has lost.
    """
    return passphrase.ready(stack)


def require_sound(stack: str) -> None:
    """Raise UserError with every problem of the stack's files, before anything is built or changed.

    The sandbox's own file and secrets are not asked for: they are made.
    """
    if stack != SANDBOX or layers.stack_file(stack).is_file():
        check.load(stack, secrets=stack != SANDBOX)


def ensure_stack(stack: str, progress: Progress) -> None:
    """Passphrase, stack and, for the sandbox, its file and secrets. Raises UserError with every problem.

    A stack on a sandbox is made where it is missing; one on another cluster must exist in its own backend.
    """
    passphrase_environment(stack)
    if stack == SANDBOX and not layers.stack_file(stack).is_file():
        layers.stack_file(stack).write_text(STACK_FILE, encoding="utf-8")
    check.load(stack, secrets=False)
    if not is_sandbox(stack):
        capture(["stack", "--show-name", "--stack", stack], environment(stack))
    elif not local_state.file(stack).is_file():
        local_state.make()
        progress.say("pulumi", f"making stack {stack}")
        provider = ["--secrets-provider", passphrase.provider(stack)]
        capture(["stack", "init", stack, "--no-select", *provider], environment(stack))
    if stack == SANDBOX:
        _ensure_secrets(stack, progress)
    check.load(stack)


def _ensure_secrets(stack: str, progress: Progress) -> None:
    """Make the secrets that are missing, except those that somebody else issues."""
    held = stack_secrets.held(stack)
    missing = [item.name for item in held if item.needed and not item.there and not item.name.given]
    if missing:
        stack_secrets.rotate(stack, missing, progress)


def up(stack: str, progress: Progress, *, message: str = "", refresh: bool = True) -> None:
    """``pulumi up``, seen live. ``message``: for the history; ``refresh``: what a hand changed is set right.

    Raises UserError where it fails, KeyboardInterrupt after a Ctrl-C that Pulumi has been given time for.
    """
    values = environment(stack)
    if _settle(stack, values, progress):
        values["PULUMI_K8S_UPSERT_EXISTING_OBJECTS"] = "true"  # what it made and did not write down
    more = [*(["--refresh"] if refresh else []), *(["--message", message] if message else [])]
    with progress.step("pulumi", f"up {stack}"):
        _run(stack, "up", [*more, *UNATTENDED], values)


def _settle(stack: str, values: dict[str, str], progress: Progress) -> bool:
    """Take away what a killed run left: its lock, its pending operations. Whether there were any of these."""
    if not is_sandbox(stack):
        return False
    locks.heal(local_state.backend(), stack, progress)
    if not local_state.interrupted(stack):
        return False
    progress.say("pulumi", "an earlier run was cut short; looking at what it left")
    _run(stack, "refresh", ["--clear-pending-creates", *UNATTENDED], values)
    return True


def preview(stack: str, progress: Progress) -> None:
    """``pulumi preview``, seen live. Raises UserError where it fails, or the stack's files are not sound."""
    _make_previewable(stack, progress)
    _run(stack, "preview", ["--non-interactive"], environment(stack))


def planned(stack: str, progress: Progress) -> str:
    """``pulumi preview --json`` with the look at what is there that ``up`` takes too; also of a preview that
    fails and says why. Raises UserError where the stack's files are not sound, or there is no JSON."""
    _make_previewable(stack, progress)
    with progress.step("pulumi", f"preview {stack}"):
        return capture_json(["preview", "--stack", stack, "--json", "--refresh"], environment(stack))


def _make_previewable(stack: str, progress: Progress) -> None:
    try:
        require_sound(stack)
    except RefusedError as refused:
        # On a sandbox it is made even so: plain `pulumi config set` needs a stack to put the secrets into.
        if not is_sandbox(stack) or any(flaw.rule != MISSING_SECRET for flaw in refused.flaws):
            raise
    ensure_stack(stack, progress)


def destroy(stack: str, progress: Progress) -> None:
    """``pulumi destroy``: every resource of the stack, its data included. Raises UserError where it fails.

    A protected namespace is refused by a preview, before anything is touched; without one all else would go.
    """
    values = environment(stack)
    _settle(stack, values, progress)
    protected = layers.draft(stack)["namespace"].get("protected") is True
    flags = [flag for flag in UNATTENDED if not (protected and flag == AT_ONCE)]
    with progress.step("pulumi", f"destroy {stack}"):
        _run(stack, "destroy", ["--refresh", *flags], values)


class UnfinishedError(UserError):
    """Pulumi did not come to its end. ``reasons``: each resource's error, which the terminal shows above."""

    def __init__(self, stack: str, verb: str, code: int, reasons: tuple[str, ...]) -> None:
        what = f"stack {stack} was not brought to its end (exit code {code}); the reasons stand above"
        remedy = f"mend what they name, then run it again: slipway {AGAIN[verb]} {stack}"
        super().__init__([Problem(f"pulumi {verb}", what, remedy)], exit_code=EXIT_FAILED)
        self.reasons = reasons


def _run(stack: str, verb: str, arguments: list[str], values: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        log = Path(folder) / "events.json"
        try:
            said = [events.FLAG, str(log)]
            code = live([verb, "--stack", stack, *arguments, *said], values | events.SHOWN_BY)
        except KeyboardInterrupt:
            # The engine takes its lock before it listens to signals: one that comes between leaves the lock.
            if is_sandbox(stack):
                locks.release(local_state.backend(), stack)
            raise
        if code:
            raise UnfinishedError(stack, verb, code, events.errors(log))


def outputs(stack: str) -> dict[str, Any]:
    """What the stack exports; empty where it was never brought up. Raises UserError for another failure."""
    if not is_sandbox(stack):
        check.load(stack)  # a stack without a file is told in our words, not in the engine's
    elif not local_state.file(stack).is_file():
        return {}
    found: dict[str, Any] = json.loads(
        capture(["stack", "output", "--json", "--stack", stack], environment(stack))
    )
    return found


def outputs_while_up(stack: str) -> dict[str, Any]:
    """What a stack that is up exports. Raises UserError where it is not."""
    found = outputs(stack)
    if not found.get("namespace"):
        raise UserError.of(f"stack {stack}", "is not up", f"bring it up: slipway up {stack}")
    return found


def secret(stack: str, name: str) -> str:
    """One secret's value, for a program that must show it to the service; never printed by slipway itself."""
    key = f"{PROJECT}:{layers.SECRETS}.{SecretName(name)}"
    return capture(["config", "get", "--path", key, "--stack", stack], environment(stack)).rstrip("\n")
