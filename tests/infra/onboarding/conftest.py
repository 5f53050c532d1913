"""A machine of its own for the slipway command: the real Pulumi CLI, an empty folder of stack files."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from infra.sandbox import tools

HERE = Path(__file__).parent
ANSWERS = HERE / "answers.yaml"
SLIPWAY = Path(sys.prefix) / "bin" / "slipway"
LIGHTHOUSE = [f"Pulumi.lighthouse-{environment}.yaml" for environment in ("dev", "prod", "staging")]


@dataclass
class Machine:
    """``stacks`` is the folder of stack files; ``extra`` goes into every command's environment."""

    root: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stacks.mkdir(parents=True)

    @property
    def stacks(self) -> Path:
        return self.root / "stacks"

    @property
    def environment(self) -> dict[str, str]:
        """Of this process, without a passphrase; state and temporary files in folders of its own."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        mine = {"XDG_STATE_HOME": str(self.root / "state"), "XDG_CACHE_HOME": cache, "COLUMNS": "200"}
        return {**kept, **mine, "SLIPWAY_STACKS": str(self.stacks), **self.extra}

    def slipway(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """The command as a user runs it, without a terminal."""
        return subprocess.run(
            [SLIPWAY, *arguments],
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def init(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``slipway init --answers answers.yaml``."""
        return self.slipway("init", "--answers", str(ANSWERS), *arguments)

    def names(self) -> list[str]:
        """What stands in the folder, hidden files too."""
        return sorted(path.name for path in self.stacks.iterdir())

    def file(self, stack: str) -> Path:
        return self.stacks / f"Pulumi.{stack}.yaml"

    def config(self, stack: str) -> dict[str, object]:
        """The config block of a stack file."""
        config: dict[str, object] = yaml.safe_load(self.file(stack).read_text())["config"]
        return config

    def secrets(self, stack: str, provider: str = "passphrase") -> dict[str, str]:
        """The values, decrypted by plain Pulumi in a project of its own."""
        project = self.root / f"plain-{stack}-{len(list(self.root.iterdir()))}"
        (project / "backend").mkdir(parents=True)
        (project / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
        (project / f"Pulumi.{stack}.yaml").write_bytes(self.file(stack).read_bytes())
        passphrase = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(self.root / "state" / "slipway" / "passphrase")}
        environment = {
            **passphrase,
            **self.environment,
            "PULUMI_BACKEND_URL": f"file://{project}/backend",
            "PULUMI_HOME": str(project / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        said = ""
        for arguments in (
            ["stack", "init", stack, "--secrets-provider", provider],
            ["config", "get", "slipway:secrets", "--stack", stack],
        ):
            command = [str(tools.tool("pulumi")), *arguments, "--non-interactive"]
            answer = subprocess.run(
                command, cwd=project, env=environment, capture_output=True, text=True, check=False
            )
            assert answer.returncode == 0, answer.stderr
            said = answer.stdout
        found: dict[str, str] = yaml.safe_load(said)
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


@pytest.fixture(scope="module")
def aboard(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Where a team has come aboard; read only."""
    machine = Machine(tmp_path_factory.mktemp("aboard") / "machine")
    answer = machine.init()
    assert answer.returncode == 0, answer.stderr
    return machine
