"""A repository with rendered workflows, and act, which runs their jobs on this machine (host mode).

Actions of others are stand-ins (tests/pipelines/actions); the steps of the workflows are run as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.paths import ROOT
from infra.render.generate import PIPELINES
from infra.render.pipelines.actions import Action

ACTIONS = Path(__file__).with_name("actions")
STANDINS = {
    Action.CHECKOUT: "checkout",
    Action.PYTHON: "setup-python",
    Action.CACHE: "cache",
    Action.UPLOAD: "upload-artifact",
    Action.DOWNLOAD: "download-artifact",
    Action.PULUMI: "pulumi",
    Action.BUILDX: "buildx",
    Action.BUILD: "build-push",
    Action.SCAN: "scan",
}
LABELS = ("self-hosted", "linux")
SECONDS = 900
OWNER = "team/ledger"
ANSWERING = """\
#!/bin/sh
# A `slipway` whose reviews are what the test says, and which writes down what would change a stack.
case "$*" in
review*json) cat "$STANDIN_ANSWERS/plan"; exit "$(cat "$STANDIN_ANSWERS/code")" ;;
review*) cat "$STANDIN_ANSWERS/text"; exit "$(cat "$STANDIN_ANSWERS/code")" ;;
apply*) echo "$*" >>"$STANDIN_ANSWERS/heard" ;;
release* | rollback*)
    echo "$*" >>"$STANDIN_ANSWERS/heard"
    echo "# $*" >>"stacks/Pulumi.$2.yaml"
    exit "$(cat "$STANDIN_ANSWERS/code")"
    ;;
*) exec .venv/bin/slipway "$@" ;;
esac
"""


@dataclass(frozen=True)
class Ran:
    """What act said, and its exit code."""

    code: int
    said: str

    def ended(self, job: str) -> str:
        """``succeeded``, ``failed``, or nothing where the job did not run."""
        lines = [line for line in self.said.splitlines() if job in line.partition("]")[0] and "🏁" in line]
        return lines[-1].rpartition(" ")[2] if lines else ""


@dataclass(frozen=True)
class Repository:
    """A work tree of the project as it stands, committed, with the workflows of one stack."""

    folder: Path
    scratch: Path

    @classmethod
    def make(cls, scratch: Path, stack: str, text: str) -> Repository:
        """The project's files, a stack of this text, its workflows, one commit."""
        made = cls(scratch / "repository", scratch)
        _copy(made.folder)
        (made.folder / "stacks" / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
        slipway: list[str | Path] = [ROOT / ".venv" / "bin" / "slipway", "--stacks", made.folder / "stacks"]
        _run([*slipway, "pipelines", "render", stack, "--to", made.folder], ROOT)
        made._begin()
        for name in ("artifacts", "answers", "tools", "runner"):
            (scratch / name).mkdir()
        return made

    @classmethod
    def answering(cls, scratch: Path) -> Repository:
        """An example's stack on a runner of our own, whose `slipway` answers what the test says."""
        text = (PIPELINES / "stacks" / "github" / "Pulumi.example-prod.yaml").read_text(encoding="utf-8")
        before, _, rest = text.partition("    aws:\n")
        own = f"{before}    runner: [{', '.join(LABELS)}]\n{rest[rest.index('  slipway:secrets') :]}"
        made = cls.make(scratch, "example-prod", own)
        (scratch / "tools" / "slipway").write_text(ANSWERING)
        (scratch / "tools" / "slipway").chmod(0o755)
        return made

    def _begin(self) -> None:
        for arguments in (
            ("init", "--quiet", "--initial-branch=main"),
            ("config", "uploadpack.allowAnySHA1InWant", "true"),
            ("config", "user.email", "test@example.com"),
            ("config", "user.name", "test"),
            ("remote", "add", "origin", f"https://github.com/{OWNER}.git"),
        ):
            _run(["git", *arguments], self.folder)
        self.commit_all("As it stands")

    def commit_all(self, message: str) -> None:
        """The work tree as it is now."""
        _run(["git", "add", "--all"], self.folder)
        _run(["git", "commit", "--quiet", "--message", message], self.folder)

    def serve(self) -> tuple[Path, Path]:
        """A bare repository of the branch, and the git configuration that leads jobs to it, not to GitHub."""
        served = self.scratch / "served"
        bare = served / f"{OWNER}.git"
        shutil.rmtree(bare, ignore_errors=True)
        _run(["git", "clone", "--quiet", "--bare", self.folder, bare], self.scratch)
        _run(["git", "config", "uploadpack.allowAnySHA1InWant", "true"], bare)
        led = served / "gitconfig"
        led.write_text(f'[url "{served.as_uri()}/"]\n    insteadOf = https://github.com/\n')
        return bare, led

    @property
    def commit(self) -> str:
        """The newest commit."""
        return _run(["git", "rev-parse", "HEAD"], self.folder).strip()

    def answer(self, text: str = "", code: int = 0, digest: str = "") -> None:
        """What the stand-in for `slipway review` answers from now on; nothing was heard yet."""
        plan = json.dumps({"digest": digest or None})
        kept = {"text": text, "code": str(code), "plan": plan, "heard": ""}
        for name, value in kept.items():
            (self.scratch / "answers" / name).write_text(value, encoding="utf-8")

    @property
    def heard(self) -> list[str]:
        """The commands that would have changed a stack."""
        return (self.scratch / "answers" / "heard").read_text(encoding="utf-8").splitlines()

    def kept(self, name: str) -> str:
        """A file that a stand-in has left."""
        return (self.scratch / "artifacts" / name).read_text(encoding="utf-8")

    def pull_request(self, of: str = OWNER) -> dict[str, Any]:
        """The event of a pull request from the repository ``of``."""
        head = {"ref": "change", "sha": self.commit, "repo": {"full_name": of}}
        base = {"ref": "main", "sha": self.commit, "repo": {"full_name": OWNER}}
        request = {"number": 7, "head": head, "base": base}
        return {"action": "synchronize", "number": 7, "pull_request": request}

    def act(
        self,
        event: str,
        workflow: str,
        *options: str,
        payload: Mapping[str, Any] | None = None,
        **variables: str,
    ) -> Ran:
        """Run the jobs of a workflow that the event starts. Its output is in the answer, whole."""
        path = self.scratch / "event.json"
        path.write_text(json.dumps(payload or {}))
        given = {
            "STANDIN_REPOSITORY": str(self.folder),
            "STANDIN_PYTHON": str(Path(sys.executable).resolve()),
            "STANDIN_ENVIRONMENT": sys.prefix,
            "STANDIN_ARTIFACTS": str(self.scratch / "artifacts"),
            "STANDIN_ANSWERS": str(self.scratch / "answers"),
            "STANDIN_TOOLS": str(self.scratch / "tools"),
            "RUNNER_TEMP": str(self.scratch / "runner"),
            **variables,
        }
        command: list[str | Path] = [Path(sys.executable).with_name("act"), event, *options]
        command += ["--workflows", self.folder / ".github" / "workflows" / f"slipway-{workflow}.yml"]
        command += ["--eventpath", path, "--no-skip-checkout", "--no-cache-server", "--pull=false"]
        command += ["--action-cache-path", self.scratch / "act", "--defaultbranch", "main"]
        for label in LABELS:
            command += ["--platform", f"{label}=-self-hosted"]
        for action, name in STANDINS.items():
            command += ["--local-repository", f"{action.value.reference}={ACTIONS / name}"]
        for name, value in given.items():
            command += ["--env", f"{name}={value}"]
        return _ended(command, self.folder)


def _ended(command: list[str | Path], folder: Path) -> Ran:
    """The command to its end; with it end the jobs that it started."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return Ran(process.returncode, said)


def _environment() -> dict[str, str]:
    """This machine's, without what a test run has of its own."""
    dropped = ("VIRTUAL_ENV", "PYTHONPATH", "COV_", "PYTEST_", "TEST_", "SLIPWAY_", "GITHUB_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def _copy(folder: Path) -> None:
    """Every file that git has or would take, as it stands now."""
    listing = _run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], ROOT)
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def _run(command: list[str | Path], folder: Path) -> str:
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout
