"""Every verb of the slipway command, in the order of its help page."""

from __future__ import annotations

import typer

from infra.cli import demo, doctor, lifecycle, sandbox, status, tools


def register(app: typer.Typer) -> None:
    """Add each verb to ``app``."""
    app.command()(lifecycle.up)
    app.command()(lifecycle.preview)
    app.command()(status.status)
    app.command()(demo.demo)
    app.command()(doctor.doctor)
    app.command()(lifecycle.env)
    app.command()(lifecycle.down)
    app.add_typer(sandbox.app, name="sandbox")
    app.add_typer(tools.app, name="tools")
