"""Every verb of the slipway command in the order of its help page."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add each verb; imports stay inside so that ``slipway --help`` does not load Pulumi or Kubernetes."""
    _ = app
