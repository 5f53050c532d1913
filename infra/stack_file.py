"""A stack file that is changed in place: one section anew, every other line as somebody wrote it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.errors import UserError
from infra.names import PROJECT
from infra.scratch import scratch
from infra.settings import document, layers

CONFIG = "config"


def put_section(stack: str, section: str, values: Mapping[str, Any]) -> None:
    """Write ``slipway:<section>``; nothing of it where ``values`` is empty.

    Raises UserError where the file cannot be read or written, or was changed by somebody else meanwhile.
    """
    file = layers.stack_file(stack).resolve()
    before = file.read_bytes()
    text = replaced(before.decode("utf-8"), f"{PROJECT}:{section}", values)
    if text is None:
        what = "its config is not written key by key, one line each"
        raise UserError.of(
            document.display(file), what, "write config: as a block, as `slipway init` writes it"
        )
    with scratch(file.parent) as work:
        swap(work, file, before, text)


def replaced(text: str, key: str, values: Mapping[str, Any]) -> str | None:
    """``text`` with these values under ``config``; None where that is no block of keys."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    heading, config = _entry(root, CONFIG)
    if not isinstance(config, yaml.MappingNode) or config.flow_style or not config.value:
        return None
    indent = " " * config.value[0][0].start_mark.column
    block = _block(key, values, indent) if values else ""
    for name, node in config.value:
        if name.value == key:
            begin, end = _lines(text, name, node)
            return text[:begin] + block + text[end:]
    first = text.index("\n", heading.end_mark.index) + 1
    return text[:first] + block + text[first:]


def swap(work: Path, file: Path, before: bytes, text: str) -> None:
    """Put the new text in the file's place, whole or not at all; ``work`` is a folder beside it.

    Raises UserError where the file is no longer what it was ``before``.
    """
    draft = work / file.name
    draft.write_bytes(text.encode("utf-8"))
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    shutil.copymode(file, draft)
    if file.read_bytes() != before:
        what = "was changed by somebody else meanwhile; nothing was written"
        raise UserError.of(document.display(file), what, "run the same command again")
    draft.replace(file)


def _entry(node: Any, key: str) -> tuple[Any, Any]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next(((name, value) for name, value in pairs if name.value == key), (None, None))


def _block(key: str, values: Mapping[str, Any], indent: str) -> str:
    dumped = yaml.safe_dump({key: dict(values)}, sort_keys=False, allow_unicode=True, width=1000)
    return "".join(f"{indent}{line}\n" for line in dumped.splitlines())


def _lines(text: str, key: Any, node: Any) -> tuple[int, int]:
    """Where the whole lines of an entry begin and end; comments behind it are not of it."""
    begin = text.rfind("\n", 0, key.start_mark.index) + 1
    last = max((leaf.end_mark.index for leaf in _leaves(node)), default=node.end_mark.index)
    end = text.find("\n", last - 1 if text[last - 1 : last] == "\n" else last)
    return begin, len(text) if end < 0 else end + 1


def _leaves(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        return [leaf for pair in node.value for part in pair for leaf in _leaves(part)]
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        return [leaf for part in node.value for leaf in _leaves(part)]
    return [node]
