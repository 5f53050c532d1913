"""One panel as Grafana's JSON: how it is drawn, its unit, its limits, and where one goes from it."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models import dashboard as model

from infra.monitoring.alert import Alert, Severity
from infra.monitoring.panel import AT_ONE_MOMENT, Bad, Kind, Panel, Threshold
from infra.render import links
from infra.settings.model import Settings

SOURCE = "datasource"  # the variable by which a reader chooses the Prometheus
COLOURS = {Severity.CRITICAL: "red", Severity.WARNING: "orange", Severity.NONE: "blue"}
GOOD = "green"
REFERENCES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STATES = {
    Bad.ZERO: {"0": ("bad", "red"), "1": ("good", GOOD)},
    Bad.ONE: {"0": ("good", GOOD), "1": ("bad", "red")},
}

AnyPanel = timeseries.Panel | stat.Panel | bargauge.Panel | statetimeline.Panel


def source() -> model.DataSourceRef:
    """Whatever the reader chose."""
    return model.DataSourceRef(type_val="prometheus", uid=f"${{{SOURCE}}}")


def made(settings: Settings, panel: Panel, alerts: Mapping[str, Alert]) -> AnyPanel:
    """Without its place. ``alerts``: those of the stack by name."""
    ways = [*(links.runbook(settings, alerts[name]) for name in panel.alerts), links.logs(settings)]
    drawn = (
        _drawn(panel)
        .id(panel.number)
        .title(panel.title)
        .description(_described(panel, ways))
        .unit(panel.unit.value)
        .thresholds(
            build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps(panel.thresholds))
        )
        .datasource(source())
        .links([_link(way.title, way.url) for way in ways if way.url])
    )
    instant = panel.kind in AT_ONE_MOMENT
    for letter, query in zip(REFERENCES, panel.queries, strict=False):
        asked = prometheus.Dataquery().expr(query.expression).legend_format(query.legend).ref_id(letter)
        drawn = drawn.with_target(asked.instant() if instant else asked.range())
    return drawn


def steps(thresholds: tuple[Threshold, ...]) -> list[model.Threshold]:
    """From the lowest value on, each with the colour that counts from there. Limits of one panel all look
    the same way."""
    ordered = sorted(thresholds, key=lambda each: each.value)
    if ordered and ordered[0].below:
        colours = [*(COLOURS[each.severity] for each in ordered), GOOD]
    else:
        colours = [GOOD, *(COLOURS[each.severity] for each in ordered)]
    values = [None, *(each.value for each in ordered)]
    return [model.Threshold(value=value, color=colour) for value, colour in zip(values, colours, strict=True)]


def _described(panel: Panel, ways: list[links.Link]) -> str:
    """Markdown; a way that is no page stands here, where it can be copied."""
    told = [f"Alerts: {', '.join(panel.alerts)}."] if panel.alerts else []
    return "\n\n".join(
        [panel.description, *told, *(f"{way.title}: `{way.way}`" for way in ways if not way.url)]
    )


def _link(title: str, url: str) -> build.DashboardLink:
    return build.DashboardLink(title).type(model.DashboardLinkType.LINK).url(url).target_blank(True)


def _drawn(panel: Panel) -> AnyPanel:
    match panel.kind:
        case Kind.STAT:
            return _stat()
        case Kind.BARS:
            return _bars()
        case Kind.STATES:
            return _states(panel.bad)
        case _:
            return _graph(panel)


def _graph(panel: Panel) -> timeseries.Panel:
    stacked = panel.kind is Kind.STACK
    lines = words.GraphThresholdsStyleMode.DASHED if panel.thresholds else words.GraphThresholdsStyleMode.OFF
    mode = words.StackingMode.NORMAL if stacked else words.StackingMode.NONE
    return (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(40 if stacked else 10)
        .show_points(words.VisibilityMode.NEVER)
        .stacking(common.StackingConfig().mode(mode))
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(lines))
        .legend(
            common.VizLegendOptions()
            .display_mode(words.LegendDisplayMode.LIST)
            .placement(words.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common.VizTooltipOptions().mode(words.TooltipDisplayMode.MULTI).sort(words.SortOrder.DESCENDING)
        )
    )


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _stat() -> stat.Panel:
    return (
        stat.Panel()
        .graph_mode(words.BigValueGraphMode.NONE)
        .color_mode(words.BigValueColorMode.VALUE)
        .reduce_options(_last())
    )


def _bars() -> bargauge.Panel:
    return (
        bargauge.Panel()
        .orientation(words.VizOrientation.HORIZONTAL)
        .display_mode(words.BarGaugeDisplayMode.BASIC)
        .min(0)
        .reduce_options(_last())
    )


def _states(bad: Bad) -> statetimeline.Panel:
    options = {
        value: model.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(STATES[bad].items())
    }
    return (
        statetimeline.Panel()
        .mappings([model.ValueMap(options=options)])
        .show_value(words.VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
    )
