"""Named steps with elapsed times on stderr, safe to use from several threads."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

HEARTBEAT_SECONDS = 30.0  # a step that says nothing for longer looks stuck


@dataclass
class Progress:
    """Prints ``  0:07  name: text``; with ``quiet`` only failures are printed."""

    quiet: bool = False
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, name: str, text: str) -> None:
        """One line, stamped with the time since the command began."""
        if self.quiet:
            return
        minutes, seconds = divmod(int(time.monotonic() - self.started), 60)
        with self._lock:
            print(f"{minutes:3d}:{seconds:02d}  {name}: {text}", file=self.stream, flush=True)

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[None]:
        """Announce a step, repeat it every 30 s while it lasts, and close it with its elapsed seconds."""
        begun = time.monotonic()
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_SECONDS):
                self.say(name, f"{doing} … {time.monotonic() - begun:.0f} s")

        self.say(name, doing)
        threading.Thread(target=beat, daemon=True).start()
        try:
            yield
        except BaseException as error:
            self.say(name, f"failed after {time.monotonic() - begun:.1f} s ({type(error).__name__})")
            raise
        finally:
            over.set()
        self.say(name, f"done in {time.monotonic() - begun:.1f} s")
