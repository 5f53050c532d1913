"""Runs the Pulumi CLI: captured, or live in the foreground with Ctrl-C passed on once."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra import paths
from infra.engine import local_state, passphrase
from infra.errors import UserError
from infra.names import PROJECT, SANDBOX
from infra.paths import ROOT
from infra.settings.layers import stack_file
from infra.settings.secrets import PASSPHRASE

LOST = "incorrect passphrase"
UNKNOWN_STACK = "no stack named"
TAKES_CONFIG_FILE = frozenset({"up", "preview", "destroy", "refresh", "config"})


def capture(arguments: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> str:
    """Standard output of a short command. Raises UserError with what it said on standard error."""
    answer = _answer(arguments, environment, stdin)
    if answer.returncode:
        raise _in_words(arguments, answer.stderr.strip().removeprefix("error: "))
    return answer.stdout


def capture_json(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The JSON object that a command writes, also one that failed and says why in it. Raises UserError with
    what it said on standard error where it wrote none."""
    answer = _answer(arguments, environment, "")
    if answer.returncode and not answer.stdout.lstrip().startswith("{"):
        raise _in_words(arguments, answer.stderr.strip().removeprefix("error: "))
    return answer.stdout


def _answer(
    arguments: Sequence[str], environment: Mapping[str, str], stdin: str
) -> subprocess.CompletedProcess[str]:
    with _placed(arguments) as (command, folder):
        return subprocess.run(
            [*command, "--non-interactive"],
            input=stdin,
            env=whole(environment),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )


def _in_words(arguments: Sequence[str], said: str) -> UserError:
    stack = _stack_of(arguments)
    if LOST in said:
        remedy = f"set {passphrase.FILE} to the file that holds the passphrase of {stack}"
        if stack == SANDBOX:
            remedy = "put the passphrase back, or remove the stack file and begin anew: slipway up"
        what = "the stack file is encrypted with another passphrase than the one at hand"
        return UserError.of(f"pulumi {arguments[0]}", what, remedy)
    if UNKNOWN_STACK in said:
        where = os.environ.get("PULUMI_BACKEND_URL", "you are logged in to (pulumi whoami)")
        kept = passphrase.provider(stack)
        option = "" if kept == PASSPHRASE else f' --secrets-provider "{kept}"'
        what = f"does not exist in the backend {where}"
        return UserError.of(f"stack {stack}", what, f"make it: pulumi stack init {stack}{option}")
    return UserError.of(f"pulumi {' '.join(arguments[:2])}", said, "mend it, then run the same command again")


def live(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Exit code of a long command whose output goes straight to the terminal.

    Pulumi has a process group of its own, so that a Ctrl-C reaches it through us and its plugins not at
    all: it cancels, waits for them and gives its lock back. A second Ctrl-C makes it give up at once.
    Whatever moment the signal comes at, it is passed on and waited for; then KeyboardInterrupt is raised.
    """
    started: list[subprocess.Popen[bytes]] = []
    asked: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        asked.append(number)
        for process in started:
            process.send_signal(signal.SIGINT)

    before = {
        number: signal.signal(number, pass_on)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup's choice stands
    }
    try:
        with _placed(arguments) as (command, folder):
            process = subprocess.Popen(
                command, env=whole(environment), cwd=folder, stdin=subprocess.DEVNULL, process_group=0
            )
            started.append(process)
            if asked:
                process.send_signal(signal.SIGINT)
            code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked:
        raise KeyboardInterrupt
    return code


@contextmanager
def _placed(arguments: Sequence[str]) -> Iterator[tuple[list[str], Path]]:
    """The command and the folder to run it in, so that it finds the stack file wherever the folder is.

    Commands that cannot be told the file run in a stand-in project whose stack files are that folder's.
    """
    folder = paths.stacks_dir()
    if folder == (ROOT / "stacks").resolve():
        yield ["pulumi", *arguments], ROOT
    elif arguments[0] in TAKES_CONFIG_FILE:
        yield ["pulumi", *arguments, "--config-file", str(stack_file(_stack_of(arguments)))], ROOT
    else:
        with tempfile.TemporaryDirectory(prefix="slipway-") as stand_in:
            place = os.path.relpath(folder, Path(stand_in).resolve())
            text = f"name: {PROJECT}\nruntime: python\nstackConfigDir: {place}\n"
            (Path(stand_in) / "Pulumi.yaml").write_text(text, encoding="utf-8")
            yield ["pulumi", *arguments], Path(stand_in)


def _stack_of(arguments: Sequence[str]) -> str:
    """The stack that a command names; the name of a new one stands after ``stack init``."""
    if "--stack" in arguments:
        return arguments[arguments.index("--stack") + 1]
    return arguments[2] if list(arguments[:2]) == ["stack", "init"] else ""


def misleading(environment: Mapping[str, str]) -> set[str]:
    """Variables that are set and would lead elsewhere than ``environment`` does.

    A passphrase of the user's wins over the file that was chosen; what ``eval "$(slipway env)"`` set for a
    stack on the sandbox is still there when the next command is about a stack that is not.
    """
    found = {passphrase.VALUE} if passphrase.FILE in environment else set()
    sandbox = local_state.variables()
    if all(os.environ.get(name) == value for name, value in sandbox.items()):
        found |= set(sandbox)
        if os.environ.get("KUBECONFIG", "").startswith(str(paths.state_dir() / "sandbox")):
            found.add("KUBECONFIG")
    return (found - set(environment)) & set(os.environ)


def whole(environment: Mapping[str, str]) -> dict[str, str]:
    """The user's own variables with those of ``environment``, less what would lead elsewhere."""
    wrong = misleading(environment)
    return {**{name: value for name, value in os.environ.items() if name not in wrong}, **environment}
