"""In which form a review is written. Alone in its file: the command's help needs no more of the review."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """Who reads the review?"""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
