"""Files that only their owner may read."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Whole or not at all, with mode 0600; text is UTF-8. Two processes may do it at once: one of them wins.

    Raises OSError where the folder is missing or cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process of this number that was killed
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
