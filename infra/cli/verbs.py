"""Every verb of the slipway command, in the order of its help page."""

from __future__ import annotations

import typer

from infra.cli import demo, doctor, lifecycle, status


def register(app: typer.Typer) -> None:
    """Add each verb to ``app``."""
    app.command()(lifecycle.up)
    app.command()(lifecycle.preview)
    app.command()(status.status)
    app.command()(demo.demo)
    app.command()(doctor.doctor)
    app.command()(lifecycle.env)
    app.command()(lifecycle.down)
