#!/usr/bin/env python3
"""Draws a dashboard as SVG from its JSON and what an InfluxDB answers, for whoever has no Grafana at hand.

    preview.py URL DATABASE DASHBOARD.json OUTPUT.svg [site=… tank=…] [span=15m]

It is not Grafana and does not try to look like it. It shows what the panels ask and are answered, with the words, colours and
gaps that their mappings and options say.
"""

import html
import json
import pathlib
import sys
import time
import urllib.parse
import urllib.request

import units

COLUMN, ROW, PAD = 62, 34, 6
NAMED = {"green": "#56a64b", "orange": "#ff9830", "red": "#e02f44", "purple": "#a352cc", "yellow": "#f2cc0c", "blue": "#3274d9",
         "text": "#d0d0d5", "light-blue": "#8ab8ff", "semi-dark-green": "#37872d"}
PALETTE = ["#56a64b", "#f2cc0c", "#8ab8ff", "#ff9830", "#e02f44", "#5794f2", "#b877d9", "#c0d8ff"]


def color(name):
    return NAMED.get(name, name)


class Panel:
    """A panel with its answers."""

    def __init__(self, panel, rows):
        self.panel, self.rows = panel, rows
        self.defaults = panel["fieldConfig"]["defaults"]

    def properties(self, field):
        """Gives what holds for a field: the defaults, then its overrides."""
        held = {key: value for key, value in self.defaults.items() if key != "custom"}
        held |= {f"custom.{key}": value for key, value in self.defaults["custom"].items()}
        for override in self.panel["fieldConfig"]["overrides"]:
            if override["matcher"]["options"] == field:
                held |= {one["id"]: one["value"] for one in override["properties"]}
        return held

    def shown(self, field, value):
        """Gives text and colour of a value."""
        held = self.properties(field)
        for mapping in held.get("mappings", []):
            options, result = mapping["options"], None
            if mapping["type"] == "value":
                result = options.get(str(value))
            elif mapping["type"] == "range" and isinstance(value, (int, float)) and options["from"] <= value <= options["to"]:
                result = options["result"]
            elif mapping["type"] == "special" and value is None:
                result = options["result"]
            if result:
                return result["text"], color(result["color"])
        if value is None or value == "":
            return held.get("noValue", "-"), NAMED["text"]
        if not isinstance(value, (int, float)):
            return str(value), NAMED["text"]
        at = [step["color"] for step in held["thresholds"]["steps"] if step["value"] is None or value >= step["value"]]
        unit = held.get("unit", "none")
        if unit == units.MOMENT or field == "time":
            return time.strftime("%H:%M:%S", time.gmtime(value / 1000)), NAMED["text"]
        tint = held["color"].get("fixedColor", at[-1]) if isinstance(held.get("color"), dict) else at[-1]
        return units.shown(value, unit, held.get("decimals")), color(tint)


def text(x, y, words, fill="#d0d0d5", size=12, anchor="start", turn=None):
    turned = f' transform="rotate({turn} {x:.0f} {y:.0f})"' if turn else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{fill}" font-size="{size}" text-anchor="{anchor}"{turned}>{html.escape(str(words))}</text>'


def box(x, y, w, h, fill):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{max(h, 0):.1f}" fill="{fill}"/>'


def fields_of(panel, row):
    hidden = {name.lower() for one in panel.panel.get("transformations", []) for name in one["options"].get("excludeByName", {})}
    order = next((one["options"].get("indexByName", {}) for one in panel.panel.get("transformations", [])), {})
    return sorted((name for name in row if name.lower() not in hidden), key=lambda name: order.get({"time": "Time"}.get(name, name), 99))


def stat(panel, x, y, w, h):
    row = {key: value for key, value in (panel.rows[0][0] if panel.rows and panel.rows[0] else {}).items() if key != "time"}
    if not row:
        yield text(x + w / 2, y + h / 2, panel.defaults["noValue"], NAMED["purple"], 18, "middle")
    for place, (field, value) in enumerate(row.items()):
        words, fill = panel.shown(field, value)
        each = w / len(row)
        yield box(x + place * each + 2, y, each - 4, h, fill if fill != NAMED["text"] else "#2f343b")
        yield text(x + (place + 0.5) * each, y + h * 0.42, panel.properties(field).get("displayName", field), "#ffffff", 11, "middle")
        yield text(x + (place + 0.5) * each, y + h * 0.78, words, "#ffffff", 15, "middle")


def table(panel, x, y, w, h):
    rows = panel.rows[0] if panel.rows else []
    if not rows:
        yield text(x + 4, y + 16, panel.defaults["noValue"])
        return
    for rule in reversed(panel.panel["options"].get("sortBy", [])):
        named = {panel.properties(field).get("displayName", field): field for field in rows[0]}
        key = named.get(rule["displayName"])
        rows = sorted(rows, key=lambda row: (row.get(key) is None, row.get(key)), reverse=rule["desc"])
    fields = fields_of(panel, rows[0])
    each = w / len(fields)
    for place, field in enumerate(fields):
        yield text(x + place * each + 4, y + 12, panel.properties({"time": "Time"}.get(field, field)).get("displayName", field), "#8e8e96", 11)
        for number, row in enumerate(rows[: int((h - 18) / 17)]):
            words, fill = panel.shown(field, row.get(field))
            cell = panel.properties(field).get("custom.cellOptions", {}).get("type", "auto")
            top = y + 18 + number * 17
            if cell == "color-background":
                yield box(x + place * each + 1, top, each - 3, 15, fill)
            clear = "#ffffff" if cell == "color-background" else fill if cell == "color-text" else NAMED["text"]
            yield text(x + place * each + 4, top + 12, words[: int(each / 6)], clear, 11)


def barchart(panel, x, y, w, h):
    rows = sorted(panel.rows[0], key=lambda row: row["tank"]) if panel.rows else []
    h -= 64
    for number, row in enumerate(rows):
        each, bottom = w / len(rows), y + h
        for field in fields_of(panel, row):
            if isinstance(row[field], (int, float)) and row[field] > 0:
                part = row[field] / 100 * h
                bottom -= part
                yield box(x + number * each + each * 0.08, bottom, each * 0.84, part, panel.shown(field, row[field])[1])
        yield text(x + (number + 0.6) * each, y + h + 12, row["tank"], size=10, anchor="end", turn=-45)
    for number, field in enumerate(one for one in (fields_of(panel, rows[0]) if rows else []) if one != "tank"):
        yield box(x + number * 150, y + h + 50, 10, 10, color(panel.properties(field)["color"]["fixedColor"]))
        yield text(x + number * 150 + 14, y + h + 59, panel.properties(field).get("displayName", field), size=11)


def series_of(panel):
    """Gives each curve: its name and its points."""
    for target, rows in zip(panel.panel["targets"], panel.rows):
        tags = {"tank", "edge", "line", "gauge", "priority", "site", "alarm"}
        curves = {}
        for row in rows:
            name = next((row[tag] for tag in tags if tag in row), None)
            for field, value in row.items():
                if field not in tags and field != "time":
                    curves.setdefault(name or field, []).append((row["time"], value))
        yield from curves.items()


def timeseries(panel, x, y, w, h, first, last):
    curves = [(name, points) for name, points in series_of(panel) if any(value is not None for _, value in points)]
    values = [value for _, points in curves for _, value in points if value is not None]
    low, high = min(values, default=0), max(values, default=1)
    low, high, h = (low - 1 if low == high else low), high, h - 20
    for number, (name, points) in enumerate(curves):
        held = panel.properties(name)
        stroke = color(held["color"].get("fixedColor") or PALETTE[number % len(PALETTE)])
        longest, path, before = held.get("custom.spanNulls") or 0, "", None
        for at, value in points:
            if value is not None:
                joined = before is not None and at - before <= max(longest, (last - first) / 100)
                path += f"{'L' if joined else 'M'}{x + 44 + (at - first) / (last - first) * (w - 44):.1f} {y + h - (value - low) / (high - low) * (h - 6):.1f}"
                before = at
        if held.get("custom.drawStyle") == "bars":
            for at, value in points:
                top = ((value or 0) - min(low, 0)) / (high - min(low, 0)) * (h - 6)
                yield box(x + 44 + (at - first) / (last - first) * (w - 44), y + h - top, 5, top, stroke)
        dash = ' stroke-dasharray="8 6"' if held.get("custom.lineStyle", {}).get("fill") == "dash" else ""
        yield f'<path d="{path}" fill="none" stroke="{stroke}" stroke-linecap="round" stroke-width="{held.get("custom.lineWidth", 1) + 0.5}"{dash}/>'
        yield text(x + 44 + number * (w - 44) / max(len(curves), 8), y + h + 15, name[:18], stroke, 10)
    for share in (0, 0.5, 1):
        label = units.shown(low + share * (high - low), panel.defaults.get("unit", "none"), 0 if high - low > 10 else None)
        yield text(x + 40, y + h - share * (h - 6), label.replace(" ", "\u2009"), "#8e8e96", 10, "end")


def timeline(panel, x, y, w, h, first, last):
    curves = sorted(series_of(panel))
    for number, (name, points) in enumerate(curves):
        each = (h - 4) / len(curves)
        yield text(x + 56, y + (number + 0.6) * each, name, size=10, anchor="end")
        for (at, value), (until, _) in zip(points, [*points[1:], (last, None)]):
            if value is not None:
                yield box(x + 60 + (at - first) / (last - first) * (w - 60), y + number * each + 1, (until - at) / (last - first) * (w - 60) + 0.3,
                          each - 2, panel.shown(name, value)[1])


def rows_of(answer):
    for result in answer["results"]:
        for series in result.get("series", []):
            for values in series["values"]:
                yield series.get("tags", {}) | dict(zip(series["columns"], values))


def main():
    if len(sys.argv) < 5:
        print(__doc__, file=sys.stderr)
        return 2
    url, database, path, output, *given = sys.argv[1:]
    variables = dict(one.split("=", 1) for one in given)
    span = variables.pop("span", "15m")
    seconds = int(span[:-1]) * {"s": 1, "m": 60, "h": 3600}[span[-1]]
    last = time.time() * 1000
    first = last - seconds * 1000
    dashboard = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))

    def ask(query, interval):
        for name, value in {"timeFilter": f"time > now() - {span}", "__interval": f"{interval}s", "edge": ".*", "line": ".*", **variables}.items():
            query = query.replace(f"${name}", value)
        filled = urllib.parse.urlencode({"db": database, "epoch": "ms", "q": query})
        with urllib.request.urlopen(f"{url}/query?{filled}") as answer:
            return list(rows_of(json.load(answer)))

    body, bottom = [], 0
    draw = {"stat": stat, "table": table, "barchart": barchart}
    over_time = {"timeseries": timeseries, "state-timeline": timeline}
    for one in dashboard["panels"]:
        least = one.get("interval", "1s")
        interval = max(int(least[:-1]) * {"s": 1, "m": 60}[least[-1]], seconds // 300, 1)
        panel = Panel(one, [ask(target["query"], interval) for target in one["targets"]])
        place = one["gridPos"]
        x, y, w, h = place["x"] * COLUMN, 40 + place["y"] * ROW, place["w"] * COLUMN, place["h"] * ROW
        bottom = max(bottom, y + h)
        body += [box(x + 2, y + 2, w - 4, h - 4, "#181b1f"), text(x + 10, y + 20, one["title"], "#ffffff", 13)]
        inner = (x + 10, y + 30, w - 20, h - 38)
        kind = one["type"]
        body += draw[kind](panel, *inner) if kind in draw else over_time[kind](panel, *inner, first, last)
    shown = [variables[one["name"]] for one in dashboard["templating"]["list"] if one["name"] in variables]
    note = "Drawn by generator/preview.py from the dashboard's JSON and the answers of an InfluxDB. This is not Grafana."
    page = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{24 * COLUMN}" height="{bottom + 4}" font-family="sans-serif">', box(0, 0, 24 * COLUMN, bottom + 4, "#111217"),
            text(10, 26, f"{dashboard['title']}  {' '.join(shown)}", "#ffffff", 18), text(24 * COLUMN - 10, 26, note, "#8e8e96", 12, "end"), *body, "</svg>"]
    pathlib.Path(output).write_text("\n".join(page) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
