"""A report in the form that is asked for, always below the size that fits into a comment."""

from __future__ import annotations

from infra.review import data, markdown, text
from infra.review.form import Format
from infra.review.report import Report
from infra.review.shown import fitting
from infra.review.words import Commands

WRITERS = {Format.TEXT: text.write, Format.MARKDOWN: markdown.write, Format.JSON: data.write}


def render(report: Report, form: Format, commands: Commands) -> str:
    """The report without a line break at its end; Markdown is empty where there is nothing to post."""
    write = WRITERS[form]
    return fitting(report, lambda shown: write(shown, commands))
