"""Drives the real Pulumi engine with a program in this process, and keeps what it reported."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import grpc

# The automation API would do, but asks four further commands of the CLI after each operation.
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc

Program = Callable[[], None]
OPERATION_SECONDS = 900.0


@dataclass
class Outcome:
    """What one operation of the engine led to, by logical resource name."""

    code: int
    text: str
    seconds: float
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the engine was content."""
        return self.code == 0

    def op(self, name: str) -> str:
        """The (last) step planned for a resource: same, create, update, replace, delete …; '' if none."""
        found = [step["op"] for step in self._steps("resourcePreEvent", name)]
        whole = [op for op in found if op in {"replace", "create-replacement", "delete-replaced"}]
        return "replace" if whole else (found[-1] if found else "")

    def order(self, name: str) -> list[str]:
        """Every step of a resource, in order."""
        return [step["op"] for step in self._steps("resourcePreEvent", name)]

    def changed(self, name: str) -> set[str]:
        """The property paths of a resource's detailed diff."""
        return {
            path for step in self._steps("resourcePreEvent", name) for path in step.get("detailedDiff") or {}
        }

    def new(self, name: str) -> dict[str, Any]:
        """The outputs a resource's step ended (or is foretold to end) with."""
        found = [step["new"] for step in self._steps("resOutputsEvent", name) if step.get("new")]
        outputs: dict[str, Any] = found[-1].get("outputs", {}) if found else {}
        return outputs

    def said(self, name: str = "") -> str:
        """Diagnostics of a resource (or of everything), errors and warnings."""
        events = (event["diagnosticEvent"] for event in self.events if "diagnosticEvent" in event)
        lasting = (e for e in events if not e.get("ephemeral") and e.get("severity") != "debug")
        return "\n".join(e["message"] for e in lasting if not name or e.get("urn", "").endswith(f"::{name}"))

    def failed(self, name: str) -> bool:
        """Whether the resource's operation failed."""
        return any(
            e["resOpFailedEvent"]["metadata"]["urn"].endswith(f"::{name}")
            for e in self.events
            if "resOpFailedEvent" in e
        )

    def _steps(self, kind: str, name: str) -> Iterator[dict[str, Any]]:
        for event in self.events:
            if kind in event and event[kind]["metadata"]["urn"].endswith(f"::{name}"):
                yield event[kind]["metadata"]


@dataclass
class Engine:
    """One stack of its own on a file backend in a folder of its own."""

    folder: Path
    environment: dict[str, str]
    stack: str = "test"
    project: str = "conformance"

    def start(self) -> None:
        """Write the project and make the stack."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "Pulumi.yaml").write_text(f"name: {self.project}\nruntime: python\n")
        self._command("stack", "init", self.stack).check_returncode()

    def up(self, program: Program, *flags: str) -> Outcome:
        """``pulumi up``, without the preview before it."""
        return self.run("up", program, "--yes", "--skip-preview", *flags)

    def preview(self, program: Program, *flags: str) -> Outcome:
        """``pulumi preview``."""
        return self.run("preview", program, *flags)

    def refresh(self) -> Outcome:
        """``pulumi refresh``."""
        return self.run("refresh", lambda: None, "--yes", "--skip-preview")

    def destroy(self) -> Outcome:
        """``pulumi destroy``."""
        return self.run("destroy", lambda: None, "--yes", "--skip-preview")

    def cancel(self) -> None:
        """Take away the lock that a killed operation left."""
        self._command("cancel", "--yes", "--stack", self.stack).check_returncode()

    def state(self) -> list[dict[str, Any]]:
        """The resources of the stack's state."""
        exported = self._command("stack", "export")
        resources: list[dict[str, Any]] = json.loads(exported.stdout)["deployment"].get("resources", [])
        return resources

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in the clear: never to be printed."""
        shown = self._command("stack", "output", "--json", "--show-secrets")
        found: dict[str, Any] = json.loads(shown.stdout)
        return found

    def recorded(self, name: str) -> dict[str, Any]:
        """One resource of the state; empty if it is not there."""
        return next((r for r in self.state() if r["urn"].endswith(f"::{name}")), {})

    def run(self, verb: str, program: Program, *flags: str) -> Outcome:
        """One operation to its end."""
        with self.running(verb, program, *flags) as (process, outcome):
            text, _ = process.communicate(timeout=OPERATION_SECONDS)
        return outcome(text)

    @contextmanager
    def running(
        self, verb: str, program: Program, *flags: str
    ) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], Outcome]]]:
        """An operation under way, and how to make its outcome once it has ended."""
        log, begun = self.folder / f"events-{time.monotonic_ns()}", time.monotonic()
        with served(program) as port:
            command = ["pulumi", verb, "--stack", self.stack, "--non-interactive", "--color=never", *flags]
            command += ["--exec-kind=auto.inline", f"--client=127.0.0.1:{port}", f"--event-log={log}"]
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                yield process, lambda text: _outcome(process, text, begun, log)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()

    def _command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--non-interactive"]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, capture_output=True, check=False
        )


def _outcome(process: subprocess.Popen[str], text: str, begun: float, log: Path) -> Outcome:
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    events = [json.loads(line) for line in lines if line.strip()]
    return Outcome(process.returncode, text, time.monotonic() - begun, events)


@contextmanager
def served(program: Program) -> Iterator[int]:
    """A language host that runs the program in this process; its port."""
    workers = ThreadPoolExecutor(max_workers=4)
    server = grpc.server(workers)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    with _loops_closed():
        server.start()
        try:
            yield port
        finally:
            server.stop(0).wait()
            workers.shutdown(wait=True)


@contextmanager
def _loops_closed() -> Iterator[None]:
    """Close the event loops that the language server makes and forgets: warnings are errors here."""
    make, made = asyncio.new_event_loop, []

    def remembered() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    with mock.patch("asyncio.new_event_loop", remembered):
        yield
    for loop in made:
        loop.close()
