"""Station overview: all tanks, alarms, edges."""

from shapes import *

COUNTS = ["live", "uncertain", "bad", "stale", "never"]


def station():
    now = f'"site" = \'$site\' AND {NOW}'
    tank_link = [{"title": "Open ${__data.fields.tank}", "targetBlank": False,
                  "url": "/d/tankline-tank?var-site=${site}&var-tank=${__data.fields.tank}&${source:queryparam}"}]
    return dashboard("station", "Station overview", "All tanks of a station as they are now.", [
        stat("Tanks", queries(f'SELECT last("live") AS "live", "uncertain", "bad", "stale", "never" FROM "station" WHERE {now}', table=True),
             (11, 4), "How many tanks are in which state. Nothing here means that the centre itself is silent.",
             overrides=[override("live", color=fixed(GREEN)), *(counted(name, color) for name, color in
                        zip(COUNTS[1:], [AMBER, RED, STALE, GREY]))], no_value="CENTRE SILENT"),
        stat("Alarms", queries(f'SELECT last("alarms_unacknowledged") AS "unacknowledged", "alarms_critical" AS "critical", '
                               f'"alarms_high" AS "high", "alarms_medium" AS "medium", "alarms_low" AS "low" FROM "station" WHERE {now}', table=True),
             (9, 4), "Alarms that wait for somebody, and all that stand by priority.",
             overrides=[counted("unacknowledged", RED), counted("critical", RED), counted("high", AMBER),
                        counted("medium", "yellow"), counted("low", "blue")], no_value="CENTRE SILENT"),
        stat("Edges", queries(f'SELECT last("edges_online") AS "online", "edges_away" AS "away" FROM "station" WHERE {now}', table=True),
             (4, 4), "Edges that are connected, and those that are not.",
             overrides=[override("online", color=fixed(GREEN)), counted("away", RED)], no_value="CENTRE SILENT"),
        bars(now),
        table("All tanks", queries(
            f'SELECT last("state") AS "state", "age_s", "quality", "level_mm", "interface_mm", "temperature_c", "oil_m3", "emulsion_m3", "fw_m3", '
            f'"ullage_m3", "flow_m3h", "title", "product" FROM "live" WHERE {now} GROUP BY "tank"', table=True), (24, 17),
            "A tank that is stale or bad has no values here: what holds now is not known. Its age says since when.",
            [override("tank", display="Tank", links=tank_link, custom_width=90),
             coloured("state", "State", states(TANK_STATES), custom_width=100), aged("age_s", "Age"),
             number("quality", "Quality"), number("level_mm", "Level", MILLIMETRES), number("interface_mm", "Interface", MILLIMETRES),
             number("temperature_c", "Temperature", "celsius", 1), number("oil_m3", "Oil", "m3", 1), number("emulsion_m3", "Emulsion", "m3", 1),
             number("fw_m3", "Water", "m3", 1),
             number("ullage_m3", "Ullage", "m3", 1), number("flow_m3h", "Flow", PER_HOUR, 1),
             override("title", display="Title"), override("product", display="Product")],
            [("Tank", False)], no_value="-", order=["tank", "title", "state", "age_s", "quality", "level_mm", "interface_mm"]),
        standing(now, (24, 8)),
        table("Edges now", queries(
            f'SELECT last("state") AS "state", "heard_age_s", "newest_reading_age_s", "journal_depth", "gap_readings", "clock_set" '
            f'FROM "edge" WHERE {now} GROUP BY "edge"', table=True), (14, 6), "What the edges say of themselves; blank where it is too old.",
            [override("edge", display="Edge"), coloured("state", "State", states(EDGE_STATES)), aged("newest_reading_age_s", "Newest reading"),
             override("heard_age_s", display="Health", unit=DURATION, decimals=0), number("journal_depth", "Journal"),
             number("gap_readings", "Lost"), coloured("clock_set", "Clock", flags(("UNSET", RED), ("set", GREEN)))], no_value="-"),
        table("Completeness", queries(
            f'SELECT last("missing") AS "missing", "dropped", "through_seq" FROM "completeness" WHERE "site" = \'$site\' AND {SELDOM} GROUP BY "edge"',
            table=True), (10, 6), "Readings on their way or lost, and those that an edge dropped because its journal was full.",
            [override("edge", display="Edge"), override("missing", display="Missing", thresholds=NONE_WANTED, custom_cellOptions={"type": "color-text"}),
             override("dropped", display="Dropped", thresholds=NONE_WANTED, custom_cellOptions={"type": "color-text"}),
             number("through_seq", "Complete through")]),
    ], [SITE], span="1h", refresh="5s")


def counted(name, color):
    """A count that has its colour from 1 on."""
    return override(name, thresholds=steps((None, ROOM), (1, color)), color={"mode": "thresholds"})


def bars(now):
    parts = [("water", "Water", WATER), ("emulsion", "Emulsion", EMULSION), ("oil", "Oil", OIL), ("below_ll", "Below LL", "#7a1f1f"), ("below_l", "Below L", "#7a5a1f"),
             ("room", "Room", ROOM), ("above_h", "H to HH", "#7a5a1f"), ("above_hh", "Above HH", "#7a1f1f"), ("unknown", "NOT KNOWN NOW", STALE)]
    fields = ", ".join(f'"{name}"' for name, _, _ in parts[1:])
    overrides = [override(name, display=display, color=fixed(color)) for name, display, color in parts]
    options = {"xField": "tank", "orientation": "vertical", "stacking": "normal", "showValue": "never", "barWidth": 0.85,
               "groupWidth": 0.9, "barRadius": 0, "fullHighlight": False, "xTickLabelRotation": -45, "xTickLabelMaxLength": 0,
               "xTickLabelSpacing": 0, "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
               "tooltip": {"mode": "multi", "sort": "none"}}
    defaults = {"unit": "percent", "min": 0, "max": 100, "decimals": 1, "color": {"mode": "palette-classic"},
                "custom": {"lineWidth": 0, "fillOpacity": 90, "axisPlacement": "auto", "axisLabel": "of the height"}, "noValue": "CENTRE SILENT"}
    return panel("barchart", "Levels", queries(f'SELECT last("water") AS "water", {fields} FROM "bar" WHERE {now} GROUP BY "tank"', table=True),
                 (24, 11), "Each tank from its bottom to its top: water, emulsion, oil, and above them the zones that its limits make. "
                 "A tank whose level is not known now is one block.", defaults, overrides, options,
                 transformations=[{"id": "organize", "options": {"excludeByName": {"Time": True}}}])


def standing(where, size, title="Alarms that stand or wait", states_shown='"state" > 0 AND "state" < 6'):
    return table(title, queries(
        f'SELECT * FROM (SELECT last("state") AS "state", "urgency", "since_ms", "age_s", "value", "limit", "unit", "title", "acknowledged_by" '
        f'FROM "standing" WHERE {where} GROUP BY "tank", "alarm", "priority") WHERE {states_shown}', table=True), size,
        "The most urgent first. One that has become normal goes at once. Of a silent centre none is known.",
        [override("tank", display="Tank"), override("title", display="Alarm"), override("priority", display="Priority"),
         coloured("state", "State", states(ALARM_STATES)), override("since_ms", display="Since", unit=MOMENT),
         override("age_s", display="For", unit=DURATION, decimals=0), number("value", "Value", decimals=1, no_value="-"), number("limit", "Limit", decimals=1, no_value="-"),
         override("unit", display="Unit", no_value=" "), override("acknowledged_by", display="By", no_value=" "),
         override("urgency", display="Order", custom_width=70)],
        [("Order", False)], hidden=("Time", "alarm"), no_value="none known now",
        order=["tank", "title", "priority", "state", "since_ms", "age_s", "value", "limit", "unit", "acknowledged_by", "urgency"])
