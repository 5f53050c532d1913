"""The life of a Pulumi stack around the engine's own commands: made ready, brought up, healed, taken down."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

from infra import paths, stack_lock
from infra.engine import capture, live
from infra.errors import EXIT_FAILED, UserError
from infra.names import PROJECT
from infra.progress import Progress
from infra.sandbox import tools
from infra.settings import check, document
from infra.settings.merge import merge
from infra.settings.model import defaults
from infra.settings.secrets import SecretName, required
from infra.settings.service import Mode
from infra.settings.stack import SANDBOX, Environment, StackName

PLUGINS = paths.ROOT / "infra" / "sandbox" / "providers" / "bin"
SECRET_BYTES = 32
PASSPHRASE_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
AGAIN = {"up": "up", "refresh": "up", "preview": "preview", "destroy": "down"}
FOLDER_VARIABLES = ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")  # they say where state and cache are
UNATTENDED = ("--yes", "--skip-preview", "--suppress-permalink=true", "--non-interactive")
STACK_FILE = """\
# Written by slipway for this machine and not committed: the secrets are encrypted with its own passphrase.
# Whatever stands here wins over stacks/profiles/sandbox.yaml.
config: {}
"""


def backend() -> Path:
    """Where the sandbox's Pulumi state lies: a folder of the file backend."""
    return paths.state_dir() / "pulumi"


def passphrase_file() -> Path:
    """The passphrase that secrets of local stacks are encrypted with (mode 0600)."""
    return paths.state_dir() / "passphrase"


def is_sandbox(stack: str) -> bool:
    """Whether the stack goes to this machine's sandbox. Raises UserError for a name that is no stack."""
    if StackName.parse(stack).environment is Environment.SANDBOX:
        return True
    return bool(_section(stack, "cluster").get("sandbox"))


def _section(stack: str, name: str) -> dict[str, Any]:
    """A section as the files have it, merged and not validated; empty where there is no such file."""
    files = [
        paths.STACKS / "profiles" / f"{StackName.parse(stack).environment}.yaml",
        check.stack_file(stack),
    ]
    profile, own = (document.read(file).data if file.is_file() else {} for file in files)
    layers = [defaults().get(name), profile.get(name), _config(own).get(f"{PROJECT}:{name}")]
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = merge(merged, layer) if isinstance(layer, dict) else merged
    return merged


def _config(own: dict[str, Any]) -> dict[str, Any]:
    """The config block of a stack file; empty where it is no mapping, which check.load reports."""
    config = own.get("config")
    return config if isinstance(config, dict) else {}


def environment(stack: str) -> dict[str, str]:
    """What plain ``pulumi`` and ``kubectl`` need for this stack. Raises UserError without a built Pulumi."""
    venv = Path(sys.prefix)
    folders = [str(venv / "bin"), *map(str, tools.bin_folders())]
    values = {
        "VIRTUAL_ENV": str(venv),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_SUPPRESS_NEO_LINK": "true",
    }
    if is_sandbox(stack):
        folders.insert(1, str(PLUGINS))
        cluster = _section(stack, "cluster")
        values |= {
            "PULUMI_BACKEND_URL": f"file://{backend()}",
            "PULUMI_HOME": str(paths.state_dir() / "pulumi-home"),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase_file()),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "KUBECONFIG": str(paths.state_dir() / "sandbox" / str(cluster["name"]) / "kubeconfig"),
        }
        if kubectl := tools.cached("kubectl"):
            folders.append(str(kubectl.parent))
    elif not any(name in os.environ for name in PASSPHRASE_VARIABLES):
        values["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase_file())
    kept = {name: os.environ[name] for name in FOLDER_VARIABLES if name in os.environ}
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    rest = [part for part in path if part not in {*folders, str(PLUGINS)}]
    return {**kept, **values, "PATH": os.pathsep.join([*dict.fromkeys(folders), *rest])}


def ensure_stack(stack: str, progress: Progress) -> None:
    """Passphrase, stack and, for the sandbox, its file and secrets. Raises UserError with every problem."""
    local = is_sandbox(stack)
    if local:
        _refuse_foreign_secrets(stack)
        backend().mkdir(parents=True, exist_ok=True, mode=0o700)
        (paths.state_dir() / "pulumi-home").mkdir(exist_ok=True, mode=0o700)
        stack_lock.heal(backend(), stack, progress)
    _ensure_passphrase()
    if stack == SANDBOX and not check.stack_file(stack).is_file():
        check.stack_file(stack).write_text(STACK_FILE, encoding="utf-8")
    if local and not _state_file(stack).is_file():
        progress.say("pulumi", f"making stack {stack}")
        capture(["stack", "init", stack, "--no-select"], environment(stack))
    if stack == SANDBOX:
        _ensure_secrets(stack, progress)
    check.load(stack)


def _state_file(stack: str) -> Path:
    return backend() / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"


def _refuse_foreign_secrets(stack: str) -> None:
    """A stack file whose passphrase is lost can never be read again; a new passphrase would hide that."""
    file = check.stack_file(stack)
    if passphrase_file().exists() or not file.is_file():
        return
    if "encryptionsalt" in document.read(file).data:
        raise UserError.of(
            document.display(file),
            f"is encrypted with a passphrase that this machine has lost ({passphrase_file()} does not exist)",
            f"put the passphrase back, or give the secrets up and begin anew: rm {document.display(file)}",
        )


def _ensure_passphrase() -> None:
    """Made once, whole or not at all, readable by nobody else."""
    final = passphrase_file()
    if final.exists():
        return
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = final.with_name(f"{final.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(SECRET_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, final)
    except FileExistsError:
        return  # another run was first, and its passphrase is the one in use
    finally:
        draft.unlink()


def _ensure_secrets(stack: str, progress: Progress) -> None:
    """Missing secrets are made; the value goes through standard input, never through an argument list."""
    own = document.read(check.stack_file(stack)).data
    held = _config(own).get(f"{PROJECT}:{check.SECRETS}") or {}
    mode = _section(stack, "service").get("environment")
    sound = isinstance(own.get("config") or {}, dict) and isinstance(held, dict)
    if not sound or mode not in list(Mode):
        return  # check.load says what is wrong
    missing = [name for name in SecretName if name in required(Mode(mode)) and name.value not in held]
    for name in missing:
        progress.say("secrets", f"making {name}")
        key = f"{PROJECT}:{check.SECRETS}.{name}"
        value = secrets.token_urlsafe(SECRET_BYTES)
        capture(["config", "set", "--path", "--secret", key, "--stack", stack], environment(stack), value)


def up(stack: str, progress: Progress) -> None:
    """``pulumi up`` with refresh, so that what a hand changed is set right; its output is seen live.

    Raises UserError where it fails, KeyboardInterrupt after a Ctrl-C that Pulumi has been given time for.
    """
    values = environment(stack)
    if _interrupted(stack):
        progress.say("pulumi", "an earlier run was cut short; looking at what it left")
        _run(stack, "refresh", ["--clear-pending-creates", *UNATTENDED], values)
        values["PULUMI_K8S_UPSERT_EXISTING_OBJECTS"] = "true"  # what it made and did not write down
    with progress.step("pulumi", f"up {stack}"):
        _run(stack, "up", ["--refresh", *UNATTENDED], values)


def _interrupted(stack: str) -> bool:
    """Whether the state holds operations that began and never ended."""
    try:
        state = json.loads(_state_file(stack).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return bool((state.get("checkpoint", {}).get("latest") or {}).get("pending_operations"))


def preview(stack: str) -> None:
    """``pulumi preview``, seen live. Raises UserError where it fails."""
    check.load(stack)
    _run(stack, "preview", ["--non-interactive"], environment(stack))


def destroy(stack: str, progress: Progress) -> None:
    """``pulumi destroy``: every resource of the stack, its data included. Raises UserError where it fails."""
    with progress.step("pulumi", f"destroy {stack}"):
        _run(stack, "destroy", ["--refresh", *UNATTENDED], environment(stack))


def _run(stack: str, verb: str, arguments: list[str], values: dict[str, str]) -> None:
    code = live([verb, "--stack", stack, *arguments], values)
    if code:
        raise UserError.of(
            f"pulumi {verb}",
            f"stack {stack} was not brought to its end (exit code {code}); the reasons stand above",
            f"mend what they name, then run it again: slipway {AGAIN[verb]} {stack}",
            exit_code=EXIT_FAILED,
        )


def forget(stack: str) -> None:
    """Drop the state of a sandbox stack whose cluster is gone; its file and secrets stay."""
    for folder in ("stacks", "backups", "history", "locks"):
        for path in (backend() / ".pulumi" / folder).rglob(f"{stack}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def outputs(stack: str) -> dict[str, Any]:
    """What the stack exports; empty where it was never brought up. Raises UserError for another failure."""
    if not is_sandbox(stack):
        check.load(stack)  # a stack without a file is told in our words, not in the engine's
    elif not _state_file(stack).is_file():
        return {}
    found: dict[str, Any] = json.loads(
        capture(["stack", "output", "--json", "--stack", stack], environment(stack))
    )
    return found


def secret(stack: str, name: str) -> str:
    """One secret's value, for a program that must show it to the service; never printed by slipway itself."""
    key = f"{PROJECT}:{check.SECRETS}.{SecretName(name)}"
    return capture(["config", "get", "--path", key, "--stack", stack], environment(stack)).rstrip("\n")
