"""The shapes that all dashboards are made of: queries, panels, mappings, variables.

What is true now comes from measurements that the centre writes every 5 s (`live`, `bar`, `standing`, `station`, `edge`). Their
queries look back 30 s and no further: what is older is not shown at all. Values of a tank that is stale are not in them.
"""

from units import DURATION, MILLIMETRES, MILLISECONDS, MOMENT, PER_HOUR, TONNES  # all of it for the dashboards

# Colours mean the same on every dashboard.
GREEN, AMBER, RED, STALE, GREY = "green", "orange", "red", "purple", "#6e7079"
OIL, EMULSION, WATER, ROOM = "#8f5b2a", "#c9b458", "#3274d9", "#2f343b"

NOW = "time > now() - 30s"
SELDOM = "time > now() - 150s"
SOURCE = {"type": "influxdb", "uid": "${source}"}

TANK_STATES = [("live", GREEN), ("uncertain", AMBER), ("bad", RED), ("STALE", STALE), ("never read", GREY)]
EDGE_STATES = [("online", GREEN), ("OFFLINE", RED), ("not heard of", STALE)]
ALARM_STATES = [
    ("normal", GREEN), ("UNACKNOWLEDGED", RED), ("acknowledged", AMBER), ("returned, unacknowledged", AMBER),
    ("latched, unacknowledged", RED), ("latched, acknowledged", AMBER), ("shelved", GREY), ("suppressed", GREY),
    ("out of service", GREY),
]
# The bands are those of OPC: below 64 bad, below 192 uncertain; within a band the number tells the reason.
QUALITY_REASONS = {
    192: ("good", GREEN), 64: ("uncertain", AMBER), 65: ("blind zone", AMBER), 66: ("interface above level", AMBER),
    67: ("sensor limit", AMBER), 68: ("stuck", AMBER), 69: ("jump", AMBER), 70: ("clock", AMBER),
    71: ("time unknown", AMBER), 72: ("interface unconfirmed", AMBER), 0: ("bad", RED), 1: ("no reply", RED),
    2: ("crc", RED), 3: ("wrong reply", RED), 4: ("exception", RED), 5: ("out of range", RED), 6: ("line", RED),
    7: ("bad, time unknown", RED),
}


def states(names):
    """Maps the numbers from 0 on to words with colours; nothing at all is STALE too."""
    options = {str(code): {"text": text, "color": color, "index": code} for code, (text, color) in enumerate(names)}
    return [{"type": "value", "options": options}, nothing(len(options))]


def qualities():
    options = {str(code): {"text": text, "color": color, "index": index}
               for index, (code, (text, color)) in enumerate(QUALITY_REASONS.items())}
    bands = [span(0, 63, "bad", RED, 30), span(64, 127, "uncertain", AMBER, 31), nothing(32)]
    return [{"type": "value", "options": options}, *bands]


def flags(off, on):
    """Maps 0 and 1 to words with colours."""
    return states([off, on])


def span(first, last, text, color, index):
    return {"type": "range", "options": {"from": first, "to": last, "result": {"text": text, "color": color, "index": index}}}


def nothing(index, text="no data"):
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": STALE, "index": index}}}


def steps(*pairs, mode="absolute"):
    """Thresholds: the first pair holds from below, each other one from its number on."""
    return {"mode": mode, "steps": [{"value": value, "color": color} for value, color in pairs]}


PLAIN = steps((None, "text"))
AGE = steps((None, GREEN), (10, AMBER), (60, RED))
NONE_WANTED = steps((None, GREEN), (1, RED))


def query(text, ref="A", table=False, alias=None, source=SOURCE):
    target = {"refId": ref, "datasource": source, "query": text, "rawQuery": True,
              "resultFormat": "table" if table else "time_series"}
    return target | ({"alias": alias} if alias else {})


def queries(*texts, table=False):
    """Queries of one panel; each is a text or a text with its alias."""
    refs = "ABCDEFGHIJKLMN"
    pairs = [text if isinstance(text, tuple) else (text, None) for text in texts]
    return [query(text, refs[place], table, alias) for place, (text, alias) in enumerate(pairs)]


def override(name, **properties):
    """What holds for one field. `custom_x` stands for `custom.x`, `display` for `displayName`."""
    ids = {"display": "displayName", "decimals": "decimals", "no_value": "noValue"}
    listed = [{"id": ids.get(key, key.replace("custom_", "custom.", 1)), "value": value}
              for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": listed}


def fixed(color):
    return {"mode": "fixed", "fixedColor": color}


def coloured(name, display, mappings, **more):
    """A column of a table whose cells have the colours of their states."""
    return override(name, display=display, mappings=mappings, custom_cellOptions={"type": "color-background", "mode": "basic"},
                    **more)


def number(name, display, unit="none", decimals=0, **more):
    return override(name, display=display, unit=unit, decimals=decimals, **more)


def aged(name, display):
    """A column with an age that turns amber and red."""
    return override(name, display=display, unit=DURATION, decimals=0, thresholds=AGE, color={"mode": "thresholds"},
                    custom_cellOptions={"type": "color-text"})


def panel(kind, title, targets, size, description, defaults=None, overrides=(), options=None, **more):
    """A panel; `size` is its width, of 24, and its height."""
    defaults = {"color": {"mode": "thresholds"}, "thresholds": PLAIN, "mappings": [], "noValue": "no data", "custom": {}} | (defaults or {})
    return {"type": kind, "title": title, "description": description, "datasource": targets[0]["datasource"] if targets else SOURCE,
            "targets": targets, "gridPos": {"x": 0, "y": 0, "w": size[0], "h": size[1]},
            "fieldConfig": {"defaults": defaults, "overrides": list(overrides)}, "options": options or {}, **more}


def table(title, targets, size, description, overrides=(), sort=None, hidden=("Time",), no_value="no data", order=None):
    options = {"showHeader": True, "cellHeight": "sm", "frameIndex": 0}
    if sort:
        options["sortBy"] = [{"displayName": name, "desc": desc} for name, desc in sort]
    organize = {"excludeByName": {name: True for name in hidden}}
    if order:
        organize["indexByName"] = {name: index for index, name in enumerate(order)}
    custom = {"align": "auto", "filterable": True, "cellOptions": {"type": "auto"}}
    return panel("table", title, targets, size, description, {"noValue": no_value, "custom": custom}, overrides, options,
                 transformations=[{"id": "organize", "options": organize}])


def stat(title, targets, size, description, defaults=None, overrides=(), no_value="no data"):
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "auto",
               "colorMode": "background", "graphMode": "none", "justifyMode": "auto", "textMode": "value_and_name",
               "wideLayout": True}
    return panel("stat", title, targets, size, description, {"noValue": no_value} | (defaults or {}), overrides, options)


def trend(title, targets, size, description, unit="none", overrides=(), interval="10s", **custom):
    """Curves. A gap of more than 65 s is a gap: nothing is drawn across silence."""
    custom = {"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 0, "showPoints": "auto",
              "pointSize": 4, "spanNulls": 65000, "axisPlacement": "auto", "axisLabel": ""} | custom
    options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
               "tooltip": {"mode": "multi", "sort": "none"}}
    defaults = {"unit": unit, "color": {"mode": "palette-classic"}, "custom": custom}
    return panel("timeseries", title, targets, size, description, defaults, overrides, options, interval=interval)


def timeline(title, targets, size, description, mappings, interval="10s", overrides=()):
    """States over time. Where nothing is known nothing is drawn."""
    options = {"showValue": "auto", "rowHeight": 0.85, "mergeValues": True, "alignValue": "left",
               "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
               "tooltip": {"mode": "single", "sort": "none"}}
    defaults = {"mappings": mappings, "custom": {"lineWidth": 0, "fillOpacity": 85}}
    return panel("state-timeline", title, targets, size, description, defaults, overrides, options, interval=interval)


def line(name, color, dashed=False, width=1, display=None):
    """How one curve is drawn."""
    style = {"fill": "dash", "dash": [8, 6]} if dashed else {"fill": "solid"}
    named = {"display": display} if display else {}
    return override(name, color=fixed(color), custom_lineStyle=style, custom_lineWidth=width, **named)


def limit_line(name, color):
    """A limit: dashed, stepped, and drawn across the minutes between its points, because it changes with the description alone."""
    return override(name, color=fixed(color), custom_lineStyle={"fill": "dash", "dash": [8, 6]}, custom_lineWidth=1,
                    custom_lineInterpolation="stepAfter", custom_spanNulls=200000, custom_showPoints="never")


def variable(name, label, text, multi=False):
    return {"type": "query", "name": name, "label": label, "datasource": SOURCE, "query": text, "refresh": 2, "sort": 1,
            "multi": multi, "includeAll": multi, "hide": 0, "options": [], "regex": ""} | ({"current": {"text": "All", "value": "$__all"}} if multi else {})


SITE = variable("site", "Station", 'SHOW TAG VALUES FROM "live" WITH KEY = "site"')


def source(kind="influxdb", label="Historian", uid="tankline"):
    return {"type": "datasource", "name": "source", "label": label, "query": kind, "refresh": 1, "hide": 0, "options": [],
            "regex": "", "multi": False, "includeAll": False, "current": {"text": uid, "value": uid}}


def dashboard(uid, title, description, panels, variables, annotations=(), span="6h", refresh="10s", first=None):
    """Puts panels in rows from left to right."""
    x = y = height = 0
    for number, one in enumerate(panels, 1):
        place = one["gridPos"]
        if x + place["w"] > 24:
            x, y, height = 0, y + height, 0
        place["x"], place["y"] = x, y
        x, height = x + place["w"], max(height, place["h"])
        one["id"] = number
    links = [{"title": "Dashboards", "type": "dashboards", "tags": ["tankline"], "asDropdown": True, "includeVars": True,
              "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}]
    return {"uid": f"tankline-{uid}", "title": title, "description": description, "tags": ["tankline"], "editable": False,
            "schemaVersion": 41, "version": 1, "graphTooltip": 1, "timezone": "browser", "refresh": refresh,
            "time": {"from": f"now-{span}", "to": "now"}, "fiscalYearStartMonth": 0, "links": links, "panels": panels,
            "templating": {"list": [first or source(), *variables]}, "annotations": {"list": list(annotations)}}
