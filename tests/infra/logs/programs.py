"""VictoriaLogs' own programs as the pods run them: the pod's command line, on free ports of the loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from infra.render import logs
from infra.sandbox import tools
from tests.app import servers

PROGRAMS = {"/victoria-logs-prod": "victoria-logs", "/vlagent-prod": "vlagent"}
NODE = "node-1"


@dataclass
class Program:
    """One that answers at ``url``; ``kill`` ends it as the kernel would."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def figures(self) -> dict[str, float]:
        """Series → value, as the program itself writes them."""
        text = httpx.get(f"{self.url}/metrics", timeout=20).raise_for_status().text
        rows = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
        return {series: float(value) for series, _, value in rows}

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def found(self, query: str) -> list[dict[str, str]]:
        """The lines that a query of LogsQL finds."""
        answer = httpx.post(f"{self.url}/select/logsql/query", data={"query": query}, timeout=20)
        return [json.loads(line) for line in answer.raise_for_status().text.splitlines()]

    def streams(self) -> list[str]:
        """Every stream that there is."""
        answer = httpx.post(f"{self.url}/select/logsql/streams", data={"query": "*"}, timeout=20)
        return sorted(row["value"] for row in answer.raise_for_status().json()["values"])

    def take(self, rows: Sequence[Mapping[str, str]], *stream: str) -> None:
        """Stores these lines, and returns when they can be found."""
        before = len(self.found("*"))
        text = "\n".join(json.dumps(row) for row in rows)
        where = f"{self.url}/insert/jsonline"
        kind = {"Content-Type": "application/stream+json"}
        fields = {"_stream_fields": ",".join(stream)}
        httpx.post(where, params=fields, content=text, headers=kind, timeout=20).raise_for_status()
        servers.wait_for(lambda: len(self.found("*")) > before, "the lines are stored")


@contextmanager
def running(
    command: Sequence[str], folder: Path, replaced: Mapping[str, str], port: int | None = None
) -> Iterator[Program]:
    """The command with ``replaced`` pieces of its words. ``port``: where it listens, else any free one."""
    name, port = PROGRAMS[command[0]], port or servers.free_port()
    words = [re.sub(r"^(-httpListenAddr=).*", rf"\g<1>127.0.0.1:{port}", word) for word in command[1:]]
    for old, new in replaced.items():
        words = [word.replace(old, new) for word in words]
    folder.mkdir(exist_ok=True)
    log = folder / f"{name}.log"
    environment = {**os.environ, "GOMEMLIMIT": "100000000B", "KUBECONFIG": str(folder.parent / "kubeconfig")}
    with log.open("a") as file:
        process = subprocess.Popen([tools.tool(name), *words], env=environment, stdout=file, stderr=file)
    program = Program(f"http://127.0.0.1:{port}", process, log)
    try:
        servers.wait_for(lambda: _answers(program, port), f"{name} answers")
        yield program
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def _answers(program: Program, port: int) -> bool:
    assert program.process.poll() is None, program.log.read_text()
    return servers.listens(port) and httpx.get(f"{program.url}{logs.HEALTH}").is_success


def answers(pods: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What vlagent asks of an API server, by path: one node and its pods."""
    names = sorted({pod["metadata"]["namespace"] for pod in pods})
    return {
        "/api/v1/nodes": {"items": [{"metadata": {"name": NODE}}]},
        f"/api/v1/nodes/{NODE}": {"metadata": {"name": NODE}},
        "/api/v1/namespaces": {"items": [{"metadata": {"name": name}} for name in names]},
        "/api/v1/pods": {"items": list(pods), "metadata": {"resourceVersion": "1"}},
    }


@contextmanager
def api_server(folder: Path, pods: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Answers so until the end, and tells of no change. Writes the kubeconfig."""
    known, ended = answers(pods), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            self.send_response(200)
            self.end_headers()
            if "watch=true" in query:
                ended.wait(60)
            else:
                self.wfile.write(json.dumps(known[path]).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing on standard error."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig(http.server_port)))
    try:
        yield
    finally:
        ended.set()
        http.shutdown()
        thread.join()
        http.server_close()


def kubeconfig(port: int) -> dict[str, Any]:
    """Leads to a server on the loopback."""
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "here", "user": {}}],
    }


@dataclass
class Pod:
    """A pod with one container whose lines stand in a file of the node, as containerd writes them."""

    folder: Path
    name: str
    namespace: str
    component: str
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}_{self.namespace}_{self.component}-{self.name}id.log"

    def say(self, *lines: str) -> None:
        """Appends these lines."""
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with self.file.open("a") as file:
            file.writelines(f"{moment} stdout F {line}\n" for line in lines)

    def described(self) -> dict[str, Any]:
        """As the API server describes it."""
        labels = {"app.kubernetes.io/component": self.component, **self.labels}
        status = {"name": self.component, "containerID": f"containerd://{self.name}id"}
        return {
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": labels},
            "spec": {"nodeName": NODE, "containers": [{"name": self.component}]},
            "status": {"podIP": "10.1.2.3", "containerStatuses": [status]},
        }
