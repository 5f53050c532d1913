"""Previews by the real engine on stacks of their own, without a cluster and with AWS on loopback."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer

from infra.paths import ROOT
from infra.sandbox.tools import tool
from tests.live.provider.engine import Engine, served
from tests.review.stacks import STACK, AtAws, Program

PLUGINS = (ROOT / "tests" / "review" / "plugin", ROOT / "infra" / "sandbox" / "providers" / "bin")
PREVIEW = ("preview", "--json", "--refresh", "--non-interactive")


@dataclass
class Bench:
    """A folder with backends for stacks, each with its own state."""

    folder: Path
    url: str
    stacks: dict[int, Engine] = field(default_factory=dict)

    def preview(self, before: Program | AtAws | None, after: Program | AtAws, **by_hand: Any) -> str:
        """The JSON of a preview of ``after`` on a stack that ``before`` brought up."""
        engine = self._stack(before)
        return planned(engine, self._program(after), by_hand)

    def _stack(self, before: Program | AtAws | None) -> Engine:
        """Once for each program: a preview changes nothing."""
        if id(before) not in self.stacks:
            number = len(self.stacks)
            engine = stack(self.folder / str(number))
            if before is not None:
                up = engine.up(self._program(before))
                if not up.ok:
                    raise SystemExit(up.text)
            self.stacks[id(before)] = engine
        return self.stacks[id(before)]

    def _program(self, given: Program | AtAws) -> Program:
        return given.program(self.url) if isinstance(given, AtAws) else given


def stack(folder: Path) -> Engine:
    """A new, empty stack ``ledger-prod`` of the project."""
    home = folder / "home"
    (home / "state").mkdir(parents=True)
    folders = [*PLUGINS, ROOT / ".venv" / "bin", tool("pulumi").parent, tool("pulumi-language-python").parent]
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "KUBE", "AWS_"))
    }
    engine = Engine(
        folder / "project",
        {
            **kept,
            "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
            "VIRTUAL_ENV": str(ROOT / ".venv"),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "review",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # for --event-log
            "NO_COLOR": "1",
            # Of a sandbox that is not there: the plugin lets the stack through, and can reach nothing.
            "XDG_STATE_HOME": str(folder),
            "KUBECONFIG": str(folder / "slipway" / "sandbox" / "none" / "kubeconfig"),
        },
        STACK,
        "slipway",
    )
    engine.start()
    return engine


def planned(engine: Engine, program: Program, by_hand: dict[str, Any] | None = None) -> str:
    """The JSON of a preview, also of one that fails."""
    with served(program) as port:
        command = ["pulumi", *PREVIEW, "--stack", engine.stack, "--exec-kind=auto.inline"]
        answer = subprocess.run(
            [*command, f"--client=127.0.0.1:{port}"],
            cwd=engine.folder,
            env={**engine.environment, "REVIEW_BY_HAND": json.dumps(by_hand or {})},
            text=True,
            capture_output=True,
            check=False,
        )
    return answer.stdout


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A bench with a moto server of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield Bench(folder, f"http://{host}:{port}")
    finally:
        server.stop()
