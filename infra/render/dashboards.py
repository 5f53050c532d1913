"""Dashboards as Grafana's JSON, by its own foundation SDK; panels stand in dashboard_panels.py."""

from __future__ import annotations

import json

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from infra.monitoring import catalogue
from infra.monitoring.layout import placed
from infra.monitoring.panel import MOST_NUMBER, Board, Panel, Variable
from infra.monitoring.promql import here
from infra.monitoring.variables import ALL
from infra.render import dashboard_panels as panels
from infra.render.validate import RenderError
from infra.settings.model import Settings

TAG = "slipway"  # by which the dashboards find one another
REFRESH = "30s"
SHOWN = "now-1h"
EVERYTHING = "$__all"


def files(settings: Settings) -> dict[str, str]:
    """File name → JSON of each dashboard of the stack. Raises RenderError where it does not come back from
    the SDK's own reader as it went in."""
    return {f"{board.uid}.json": text(settings, board) for board in catalogue.boards(settings)}


def text(settings: Settings, board: Board) -> str:
    """The JSON of one dashboard."""
    written = json.dumps(made(settings, board), cls=JSONEncoder, indent=2, ensure_ascii=False)
    read = model.Dashboard.from_json(json.loads(written))
    if json.dumps(read, cls=JSONEncoder, indent=2, ensure_ascii=False) != written:
        raise RenderError(f"dashboard {board.uid}: read back differently")
    return f"{written}\n"


def made(settings: Settings, board: Board) -> model.Dashboard:
    """One dashboard as Grafana's own model."""
    page = (
        build.Dashboard(f"{board.title} · {settings.stack}")
        .uid(board.uid.value)
        .description(board.description)
        .tags([TAG, settings.namespace_name])
        .readonly()
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .refresh(REFRESH)
        .time(SHOWN, "now")
        .with_variable(build.DatasourceVariable(panels.SOURCE).label("Data source").type("prometheus"))
        .link(_others())
    )
    for variable in board.variables:
        page = page.with_variable(_variable(settings, variable))
    alerts = catalogue.alerts(settings)
    for place in placed(board):
        position = model.GridPos(h=place.height, w=place.width, x=place.x, y=place.y)
        if isinstance(place.what, Panel):
            page = page.with_panel(panels.made(settings, place.what, alerts).grid_pos(position))
        else:
            page = page.with_row(build.Row(place.what.title).grid_pos(position))
    return _numbered(page.build())


def _numbered(page: model.Dashboard) -> model.Dashboard:
    """Headings have ids too, above all that a panel's key can give; nobody links to them."""
    rows = [each for each in page.panels or () if isinstance(each, model.RowPanel)]
    for number, row in enumerate(rows, start=1):
        row.id_val = MOST_NUMBER + number
    return page


def _others() -> build.DashboardLink:
    return (
        build.DashboardLink("Dashboards")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(False)
    )


def _variable(settings: Settings, variable: Variable) -> build.QueryVariable:
    series = f"{variable.metric}{here(settings)}"
    return (
        build.QueryVariable(variable.name)
        .label(variable.title)
        .datasource(panels.source())
        .query(f"label_values({series}, {variable.label})")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(ALL)
        .current(model.VariableOption(selected=True, text="All", value=EVERYTHING))
    )
