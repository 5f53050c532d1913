"""What the tests of the builders share: tiny Go modules, quiet progress, waiting for a fact."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from pathlib import Path

from infra.progress import Progress
from infra.sandbox import build
from infra.sandbox.build import Family

SECONDS = 60.0


def module(folder: Path, text: str = "func main() {}\n", *, needs: str = "1.21", require: str = "") -> Family:
    """A Go module of one file; its family and its binary have the folder's name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text(f"module example.test/{folder.name}\n\ngo {needs}\n{require}")
    (folder / "main.go").write_text(f"package main\n\n{text}")
    return Family(folder.name, folder, {folder.name: "."})


def program(folder: Path, name: str, answer: str) -> Path:
    """An executable that prints ``answer``, whatever it is asked."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def progress() -> Progress:
    """Progress into memory; ``said`` reads it."""
    return Progress(stream=io.StringIO())


def said(shown: Progress) -> str:
    assert isinstance(shown.stream, io.StringIO)
    return shown.stream.getvalue()


def await_fact(fact: Callable[[], bool]) -> None:
    """Look every five milliseconds until ``fact`` holds, for a minute at most."""
    deadline = time.monotonic() + SECONDS
    while not fact():
        assert time.monotonic() < deadline, "the fact did not come true"
        threading.Event().wait(0.005)


def leftovers(family: Family) -> list[Path]:
    """The temporary folders of unfinished builds."""
    return list(family.folder.glob(f"{build.TEMPORARY}*"))
