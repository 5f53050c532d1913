"""Reads one YAML file into plain data plus the place of every key; nothing here knows a section.

What is wrong with the file as a file or as YAML becomes a flaw; strict.py holds the YAML that is allowed.
"""

from __future__ import annotations

import codecs
import errno
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra import paths
from infra.settings import strict
from infra.settings.flaw import Flaw, key_name, printable

KeyPath = tuple[str | int, ...]
MAX_BYTES = 64 * 1024  # a stack file has tens of lines; anything this large is another file
ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark begins the same
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass
class Document:
    """``data`` is plain; ``places`` maps a key path to its (line, column), both from 1; ``bare`` holds the
    paths of texts that stand without quotes, ``misread`` those which Pulumi takes for something else."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    bare: set[KeyPath] = field(default_factory=set)
    misread: dict[KeyPath, str] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def place(self, path: KeyPath) -> tuple[int, int] | tuple[None, None]:
        """Line and column of the key, or of its nearest ancestor; None and None where there is neither."""
        for length in range(len(path), -1, -1):
            if found := self.places.get(path[:length]):
                return found
        return None, None

    def flaw(self, path: KeyPath, rule: str, what: str, remedy: str, *, key: str | None = None) -> Flaw:
        """A flaw at a key. ``key`` is how the message calls it; the key's own path by default."""
        line, column = self.place(path)
        return Flaw(self.file, rule, what, remedy, line, column, dotted(path) if key is None else key)

    def refuse(self, rule: str, what: str, remedy: str, place: tuple[int, int] | None = None) -> None:
        """Note a flaw of the file as a whole, or of a place in it."""
        line, column = place or (None, None)
        self.flaws.append(Flaw(self.file, rule, what, remedy, line, column))


def display(path: Path) -> str:
    """The path as the user knows it: from the project's root where it lies below it."""
    known = str(path.relative_to(paths.ROOT)) if path.is_relative_to(paths.ROOT) else str(path)
    return printable(known, len(known))


def trouble(path: Path) -> str | None:
    """Why there is no file to read at the path; None where there is one."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or error.errno == errno.ENAMETOOLONG:
            return "does not exist"
        if path.is_symlink():
            return f"is a link to {printable(str(path.readlink()))}, which cannot be followed"
        absent = isinstance(error, FileNotFoundError | NotADirectoryError)
        return "does not exist" if absent else f"cannot be read: {_reason(error)}"
    if stat.S_ISDIR(mode):
        return "is a folder, and a file is wanted"
    return None if stat.S_ISREG(mode) else "is not a regular file"


def _reason(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else None
    return (said or str(error)).lower()


def read(path: Path) -> Document:
    """Parse the file. Whatever is wrong with it, also that it cannot be read, stands in ``flaws``."""
    document = Document(display(path))
    if found := trouble(path):
        document.refuse("no-file", found, "put a file there, or check the name")
        return document
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        size = path.stat().st_size
    except OSError as error:
        remedy = "check the file's owner and mode: ls -l"
        document.refuse("no-file", f"cannot be read: {_reason(error)}", remedy)
        return document
    if len(raw) > MAX_BYTES:
        what = f"has {size} bytes; a stack file has at most {MAX_BYTES}"
        document.refuse("too-large", what, "is it the right file?")
    elif (text := _text(document, raw)) is not None:
        _parse(document, text)
    return document


def _text(document: Document, raw: bytes) -> str | None:
    """UTF-8 without its byte order mark; None where it is something else, which is then among the flaws."""
    for mark, name in ENCODINGS.items():
        if raw.startswith(mark):
            document.refuse("encoding", f"is {name}, and UTF-8 is wanted", "save the file as UTF-8")
            return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        begin = raw.rfind(b"\n", 0, error.start) + 1
        place = raw[:begin].count(b"\n") + 1, len(raw[begin : error.start].decode("utf-8", "replace")) + 1
        what = f"byte {error.start + 1} (0x{raw[error.start]:02X}) is not UTF-8"
        document.refuse("encoding", what, "save the file as UTF-8", place)
        return None


def _parse(document: Document, text: str) -> None:
    try:
        root = strict.compose(text)
    except strict.NotPlainError as error:
        document.refuse(error.rule, error.what, error.remedy, error.place)
        return
    if isinstance(root, yaml.MappingNode):
        document.data = _mapping(document, root, ())
    elif root is not None and root.tag != f"{strict.TAG}null":
        what = "is not a mapping of keys to values"
        document.refuse("yaml-syntax", what, strict.SYNTAX, strict.place(root.start_mark))


def _mapping(document: Document, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = strict.place(key_node.start_mark)
        if trouble := strict.wrong_key(key_node):
            document.flaws.append(Flaw(document.file, *trouble, *place, key=dotted(path)))
            continue
        here = (*path, str(key_node.value))
        if here[-1] in found:
            what = f"stands twice, first in line {document.places[here][0]}"
            flaw = Flaw(document.file, "duplicate-key", what, "keep one of the two", *place, key=dotted(here))
            document.flaws.append(flaw)
        document.places[here] = place
        found[str(here[-1])] = _value(document, value_node, here)
    return found


def _value(document: Document, node: yaml.Node, path: KeyPath) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, path)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            document.places[(*path, index)] = strict.place(item.start_mark)
            items.append(_value(document, item, (*path, index)))
        return items
    text = str(node.value)
    value = strict.scalar(node.tag.removeprefix(strict.TAG), text)
    if isinstance(node, yaml.ScalarNode) and node.style is None:
        document.bare.add(path)
        if isinstance(value, str) and (taken := strict.misread(text)):
            document.misread[path] = taken
    return value


def dotted(path: KeyPath) -> str:
    """``("service", "allowed_origins", 0)`` → ``service.allowed_origins[0]``."""
    text = ""
    for part in path:
        name = part if isinstance(part, int) else key_name(part)
        text += f"[{name}]" if isinstance(name, int) else f".{name}" if text else name
    return text
