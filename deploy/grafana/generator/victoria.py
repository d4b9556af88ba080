"""The station and its tanks out of VictoriaMetrics, which speaks PromQL and knows no texts.

A value is taken where it is young and, of a tank, where the newest state vouches for it: PromQL on its own would go on showing
the last one for five minutes. A panel of the present asks for one moment (`present`), not for a span: of a span it would show
the newest value in it, however old that is.
"""

from shapes import *

PROM = {"type": "prometheus", "uid": "${source}"}
SITE_LABEL = 'site="$site"'


# The moment asked for is that of the viewer's clock, or the end of a span of the past; the server knows what is now.
NOW_INDEED = "and on() (now() - time() < 35)"


def prom(expr, ref="A", legend="", instant=False):
    return {"refId": ref, "datasource": PROM, "expr": expr, "legendFormat": legend, "editorMode": "code", "exemplar": False,
            "instant": instant, "range": not instant, "format": "time_series"}


def proms(*pairs):
    """Queries for curves: each is an expression and its legend."""
    return [prom(expr, "ABCDEFGHIJKLMN"[place], legend) for place, (expr, legend) in enumerate(pairs)]


def present(*pairs):
    """Queries for what holds now: each is an expression and its legend."""
    return [prom(f"{expr} {NOW_INDEED}", "ABCDEFGHIJKLMN"[place], legend, True) for place, (expr, legend) in enumerate(pairs)]


def young(metric, labels=SITE_LABEL, span="30s"):
    return f"last_over_time({metric}{{{labels}}}[{span}])"


def vouched(metric, labels=SITE_LABEL):
    """The newest value of a tank, while its newest state is live or uncertain."""
    return f"{young(metric, labels)} and on(site, tank) ({young('live_state', labels)} < 2)"


def label(name, title, expr):
    query = f"label_values({expr}, {name})"
    return {"type": "query", "name": name, "label": title, "datasource": PROM, "refresh": 2, "sort": 1, "multi": False,
            "includeAll": False, "hide": 0, "options": [], "regex": "",
            "query": {"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}}


def bar_gauge(title, targets, size, description, defaults):
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "horizontal", "displayMode": "basic",
               "valueMode": "color", "namePlacement": "auto", "showUnfilled": True, "sizing": "auto", "minVizWidth": 8, "minVizHeight": 10, "maxVizHeight": 300}
    return panel("bargauge", title, targets, size, description, {"noValue": "not known now"} | defaults, (), options)


def station_of_victoria():
    counts = [(young(f"station_{name}"), name) for name in ["live", "uncertain", "bad", "stale", "never", "edges_away", "alarms_unacknowledged"]]
    colours = [GREEN, AMBER, RED, STALE, GREY, RED, RED]
    states_of = lambda metric, legend: proms((young(metric), legend))
    return dashboard("station-vm", "Station overview (VictoriaMetrics)", "All tanks of a station as they are now.", [
        stat("Tanks, edges, alarms", present(*counts), (24, 4),
             "Nothing here means that the centre itself is silent, or that the span shown does not end now.",
             overrides=[override(name, thresholds=steps((None, ROOM), (1, color)), color={"mode": "thresholds"}) for (_, name), color in zip(counts, colours)],
             no_value="CENTRE SILENT"),
        bar_gauge("Levels", present((vouched("live_level_percent"), "{{tank}}")), (12, 16), "In percent of the height. A tank that is stale or bad is not here.",
                  {"unit": "percent", "min": 0, "max": 100, "decimals": 1, "thresholds": steps((None, OIL)), "color": {"mode": "thresholds"}}),
        timeline("State of each tank", states_of("live_state", "{{tank}}"), (12, 16), "A gap: the centre itself was silent.", states(TANK_STATES), "30s"),
        trend("Oil", proms((vouched("live_oil_m3"), "{{tank}}")), (12, 8), "While it can be vouched for.", "m3"),
        trend("Age of the newest reading", proms((young("live_age_s"), "{{tank}}")), (12, 8), "By tank.", DURATION),
        timeline("Alarms that are not normal", proms((f"{young('standing_state')} > 0", "{{tank}} {{alarm}} {{priority}}")), (12, 8),
                 "By tank and alarm.", states(ALARM_STATES), "30s"),
        timeline("Edges", states_of("edge_state", "{{edge}}"), (12, 8), "A gap: the centre itself was silent.", states(EDGE_STATES), "30s"),
        trend("Time-outs", proms((f"increase(line_timeouts{{{SITE_LABEL}}}[95s])", "{{gauge}}")), (12, 8), "Requests that nothing answered, within 95 s.", interval="30s"),
        trend("Missing at the centre", proms((young("completeness_missing", span="150s"), "{{edge}}")), (12, 8), "Readings on their way or lost.", interval="60s"),
    ], [label("site", "Station", "live_state")], span="1h", first=source("prometheus", uid="tankline-vm"))


def tank_of_victoria():
    labels = 'site="$site", tank="$tank"'
    mean = lambda field: f"avg_over_time(tank_{field}{{{labels}}}[$__interval])"
    limit = lambda field: young(f"limit_{field}", labels, "150s")
    now = [("live_state", "State"), ("live_age_s", "Age"), ("live_level_mm", "Level"), ("live_interface_mm", "Interface"), ("live_oil_m3", "Oil"),
           ("live_fw_m3", "Water"), ("live_temperature_c", "Temperature"), ("live_flow_m3h", "Flow")]
    newest = lambda metric: young(metric, labels) if metric in ("live_state", "live_age_s") else vouched(metric, labels)
    return dashboard("tank-vm", "Tank (VictoriaMetrics)", "One tank: level, interface, temperature, volumes, flow, limits, quality.", [
        stat("Now", present(*((newest(metric), name) for metric, name in now)), (24, 4), "Of a tank that is stale or bad there are no values.",
             overrides=[override("State", mappings=states(TANK_STATES)), override("Age", unit=DURATION, decimals=0, thresholds=AGE),
                        override("Level", unit=MILLIMETRES, decimals=0), override("Interface", unit=MILLIMETRES, decimals=0), override("Oil", unit="m3", decimals=1),
                        override("Water", unit="m3", decimals=1), override("Temperature", unit="celsius", decimals=1),
                        override("Flow", unit=PER_HOUR, decimals=1)], no_value="not known now"),
        trend("Level and interface", proms((mean("level_mm"), "level"), (mean("interface_mm"), "interface"), (limit("hh_mm"), "HH"), (limit("h_mm"), "H"),
                                           (limit("l_mm"), "L"), (limit("ll_mm"), "LL")), (24, 11), "Bad readings and silence are gaps.", MILLIMETRES,
              [line("level", OIL, width=2), line("interface", WATER, width=2), *(limit_line(name, color) for name, color in [("HH", RED), ("H", AMBER), ("L", AMBER), ("LL", RED)])]),
        timeline("Quality of readings", proms((f"min_over_time(tank_quality_code{{{labels}}}[$__interval])", "quality")), (12, 4), "The worst of each interval.", qualities()),
        timeline("State", proms((young("live_state", labels), "state")), (12, 4), "A gap: the centre itself was silent.", states(TANK_STATES)),
        trend("Temperature", proms((mean("temperature_c"), "temperature")), (8, 8), "At the fixed point of the gauge.", "celsius"),
        trend("Volumes", proms((mean("tov_m3"), "total (TOV)"), (mean("oil_m3"), "oil"), (mean("fw_m3"), "free water (FW)"), (mean("nsv_m3"), "net standard (NSV)")),
              (8, 8), "Of readings that have them.", "m3"),
        trend("Flow", proms((mean("flow_m3h"), "flow")), (8, 8), "Positive into the tank.", PER_HOUR),
    ], [label("site", "Station", "live_state"), label("tank", "Tank", f"live_state{{{SITE_LABEL}}}")], first=source("prometheus", uid="tankline-vm"))
