#!/usr/bin/env python3
"""Holds the dashboards against Grafana's published schema, and against the rules that keep stale values from looking live.

The schema is that of Grafana's foundation SDK (PyPI: grafana-foundation-sdk). It is generated from the schema of dashboards and
panels, and drops what it does not know: so each dashboard is read by it and written again, and nothing may be lost or changed.
Types, which it does not look at, are held against its annotations here.
"""

import enum
import json
import pathlib
import re
import sys
import types
import typing

from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import common, dashboard

from units import is_fixed
from victoria import NOW_INDEED

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "dashboards"

# The target of an annotation is whatever the data source takes; the schema has the fields of Grafana's own source alone.
FREE = re.compile(r"^\.annotations\.list\[\d+\]\.target")

# What the centre writes every 5 s, and every minute.
OFTEN, SELDOM = {"live", "bar", "standing", "station", "edge"}, {"alarm_kpi", "completeness", "limit"}

OVER_TIME = {"timeseries", "state-timeline"}


def differences(path, given, written):
    """Says what the schema lost or changed. What it adds are its defaults."""
    if FREE.match(path):
        return
    if isinstance(given, dict) and isinstance(written, dict):
        for key, value in given.items():
            if key in written:
                yield from differences(f"{path}.{key}", value, written[key])
            elif not FREE.match(f"{path}.{key}") and value is not None:
                yield f"{path}.{key} is not in the schema"
    elif isinstance(given, list) and isinstance(written, list) and len(given) == len(written):
        for place, pair in enumerate(zip(given, written)):
            yield from differences(f"{path}[{place}]", *pair)
    elif given != written:
        yield f"{path} is {given!r}, which the schema makes {written!r}"


def mistyped(path, value, hint, module):
    """Says what is of another type than the schema's."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if value is None or hint in (object, typing.Any) or FREE.match(path):
        return
    if origin in (typing.Union, types.UnionType):
        tried = [list(mistyped(path, value, one, module)) for one in arguments if one is not type(None)]
        if all(tried):
            yield min(tried, key=len)[0]
    elif origin is typing.Literal:
        if value not in arguments:
            yield f"{path} is {value!r}; it is one of {arguments}"
    elif origin in (list, dict):
        if not isinstance(value, origin):
            yield f"{path} is {value!r} and no {origin.__name__}"
        else:
            for key, one in value.items() if origin is dict else enumerate(value):
                yield from mistyped(f"{path}[{key}]", one, arguments[-1], module)
    elif hint in (int, float, str, bool):
        wanted = (int, float) if hint is float else hint
        if not isinstance(value, wanted) or (hint is not bool and isinstance(value, bool)):
            yield f"{path} is {value!r} and no {hint.__name__}"
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        if value not in list(hint):
            yield f"{path} is {value!r}; it is one of {[one.value for one in hint]}"
    elif isinstance(hint, type) and isinstance(value, hint):
        scope = vars(sys.modules[type(value).__module__])
        for name, inner in typing.get_type_hints(type(value), scope).items():
            yield from mistyped(f"{path}.{name}", getattr(value, name, None), inner, module)
    elif isinstance(value, dict) and hasattr(hint, "from_json"):
        # Some lists are left as they were read.
        yield from differences(path, value, json.loads(json.dumps(hint.from_json(value), cls=JSONEncoder)))
        yield from mistyped(path, hint.from_json(value), hint, module)
    elif not (isinstance(hint, type) and issubclass(hint, variants.Dataquery)):
        yield f"{path} is {value!r} and no {getattr(hint, '__name__', hint)}"


def typed_panel(path, panel):
    """Options and custom fields of a panel are objects of its kind; the schema keeps them as anything."""
    kind = panel.type_val.replace("-", "")
    model = sys.modules.get(f"grafana_foundation_sdk.models.{kind}")
    for name, value in (("options", panel.options), ("custom", panel.field_config.defaults.custom)):
        wanted = getattr(model, "Options" if name == "options" else "FieldConfig", None)
        if value is not None and wanted is not None:
            yield from mistyped(f"{path}.{name}", value, wanted, None)


def against_schema(given):
    try:
        read = dashboard.Dashboard.from_json(given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield f"cannot be read by the schema: {type(error).__name__} {error}"
        return
    written = json.loads(json.dumps(read, cls=JSONEncoder))
    yield from differences("", given, written)
    yield from mistyped("", read, dashboard.Dashboard, dashboard)
    for place, panel in enumerate(read.panels):
        yield from typed_panel(f".panels[{place}]", panel)


def against_rules(given):
    """Says where something old could look as if it held now."""
    for panel in given["panels"]:
        title = panel["title"]
        if not panel["fieldConfig"]["defaults"].get("noValue"):
            yield f"{title}: says nothing where there is nothing"
        if panel["fieldConfig"]["defaults"]["custom"].get("spanNulls") is True:
            yield f"{title}: draws across gaps of any length"
        for unit in units_of(panel):
            if not is_fixed(unit):
                yield f"{title}: {unit} is scaled and rounded; a value is shown as it is"
        drawn = panel["fieldConfig"]["defaults"]["custom"].get("drawStyle")
        for target in panel["targets"]:
            if drawn == "line" and "fill(none)" in target.get("query", ""):
                yield f"{title}: leaves gaps out, and a line is drawn across them"
            if "expr" in target:
                yield from (f"{title}: {wrong}" for wrong in of_the_wrong_time(panel["type"], target))
            yield from (f"{title}: {wrong}" for wrong in stale_looks_live(target))


def units_of(panel):
    """Gives the units of a panel's fields."""
    properties = [one for override in panel["fieldConfig"]["overrides"] for one in override["properties"]]
    return [panel["fieldConfig"]["defaults"].get("unit", "none"), *(one["value"] for one in properties if one["id"] == "unit")]


def of_the_wrong_time(kind, target):
    """Says where a panel of the present asks for a span, of which it would show the newest value, or a curve for a moment."""
    if kind in OVER_TIME:
        if not target["range"] or target["instant"]:
            yield "asks for a moment, not for a span"
    elif target["range"] or not target["instant"] or target["format"] != "time_series":
        yield "asks for a span: the newest value in it is shown however old it is"
    elif not target["expr"].endswith(NOW_INDEED):
        yield "shows the end of a span of the past as what is now"


def stale_looks_live(target):
    if "expr" in target:
        bare = re.sub(r"\{[^}]*\}", "", target["expr"])
        for metric in re.findall(r"\b(?:live|bar|standing|station|edge|tank|line|limit|completeness|alarm_kpi)_\w+(?!\w)(?!\[)", bare):
            yield f"{metric} has no window, and the last value is shown for five minutes"
        if re.search(r"live_(?!state|age_s)\w+", target["expr"]) and "live_state" not in target["expr"]:
            yield "a value of a tank is not held against its state"
        return
    text = target["query"]
    if re.search(r"fill\((?!null\)|none\)|0\))", text):
        yield "fills gaps with what was before"
    for inner in re.findall(r'SELECT [^()]*(?:\([^()]*\)[^()]*)*? FROM "(\w+)" WHERE ((?:[^()]|\(\))*)', text):
        measurement, where = inner
        window = re.search(r"time > now\(\) - (\d+)s", where)
        most = 30 if measurement in OFTEN else 150 if measurement in SELDOM else 95 if measurement == "line" else 0
        over_time = "$timeFilter" in where and ("GROUP BY time(" in text or "count(" in text or measurement in ("alarm", "tank"))
        if not over_time and not (window and int(window[1]) <= most):
            yield f"takes the newest of {measurement} however old it is"
    if 'FROM "tank"' in text and "last(" in text:
        yield "takes the last reading of a tank, which may be stale; the measurement live is for that"


def main():
    register_default_plugins()
    found = 0
    for path in sorted(FOLDER.rglob("*.json")):
        given = json.loads(path.read_text(encoding="utf-8"))
        for wrong in [*against_schema(given), *against_rules(given)]:
            print(f"{path.relative_to(FOLDER)}: {wrong}", file=sys.stderr)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
