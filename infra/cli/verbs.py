"""Every verb of the slipway command, in the order of its help page."""

from __future__ import annotations

import typer

from infra.cli import (
    alerts,
    backup,
    check,
    dashboards,
    demo,
    dev,
    diff,
    doctor,
    explain,
    init,
    lifecycle,
    logs,
    nginx,
    pipelines,
    release,
    restore,
    review,
    rightsize,
    sandbox,
    secrets,
    status,
    tools,
)


def register(app: typer.Typer) -> None:
    """Add each verb to ``app``."""
    app.command()(init.init)
    app.command()(lifecycle.up)
    app.command()(lifecycle.preview)
    app.command()(review.review)
    app.command()(review.apply)
    app.command()(check.check)
    app.command()(explain.explain)
    app.command()(diff.diff)
    app.command()(release.release)
    app.command()(release.rollback)
    app.command()(release.releases)
    app.command()(status.status)
    app.command()(logs.logs)
    app.command()(demo.demo)
    app.add_typer(alerts.app, name="alerts")
    app.command()(dashboards.dashboards)
    app.command()(rightsize.rightsize)
    app.add_typer(backup.app, name="backup")
    app.command()(restore.restore)
    app.command()(doctor.doctor)
    app.command()(lifecycle.env)
    app.command()(lifecycle.down)
    app.add_typer(dev.app, name="dev")
    app.add_typer(secrets.app, name="secrets")
    app.add_typer(pipelines.app, name="pipelines")
    app.add_typer(nginx.app, name="nginx")
    app.add_typer(sandbox.app, name="sandbox")
    app.add_typer(tools.app, name="tools")
