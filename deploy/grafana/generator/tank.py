"""One tank: what is now, and how it came to that."""

from shapes import *
from station import standing

OF_TANK = '"site" = \'$site\' AND "tank" = \'$tank\''
OVER_TIME = f"{OF_TANK} AND $timeFilter"
BY_TIME = "GROUP BY time($__interval) fill(null)"
GOOD, UNCERTAIN = '"quality_code" >= 192', '"quality_code" >= 64 AND "quality_code" < 192'


def curve(field, name, where=GOOD):
    """A field of good readings over time, or of uncertain ones; bad readings have none."""
    return f'SELECT mean("{field}") AS "{name}" FROM "tank" WHERE {OVER_TIME} AND {where} {BY_TIME}', name


def limit(field, name):
    return f'SELECT last("{field}") AS "{name}" FROM "limit" WHERE {OVER_TIME} {BY_TIME}', name


def tank():
    now = f"{OF_TANK} AND {NOW}"
    value = lambda name, display, unit, decimals: override(name, display=display, unit=unit, decimals=decimals, thresholds=steps((None, "blue")))
    return dashboard("tank", "Tank", "One tank: level, interface, temperature, volumes, flow, limits, quality and alarms.", [
        stat("Now", queries(f'SELECT last("state") AS "state", "age_s", "level_mm", "interface_mm", "temperature_c", "oil_m3", "emulsion_m3", "fw_m3", '
                            f'"nsv_m3", "mass_t", "ullage_m3", "flow_m3h" FROM "live" WHERE {now}', table=True), (24, 4),
             "What holds now. Of a tank that is stale or bad there are no values, only its state and its age.",
             overrides=[override("state", display="State", mappings=states(TANK_STATES)),
                        override("age_s", display="Age", unit=DURATION, decimals=0, thresholds=AGE),
                        value("level_mm", "Level", MILLIMETRES, 0), value("interface_mm", "Interface", MILLIMETRES, 0),
                        value("temperature_c", "Temperature", "celsius", 1), value("oil_m3", "Oil", "m3", 1), value("emulsion_m3", "Emulsion", "m3", 1),
                        value("fw_m3", "Water", "m3", 1), value("nsv_m3", "NSV", "m3", 1), value("mass_t", "Mass", TONNES, 1),
                        value("ullage_m3", "Ullage", "m3", 1), value("flow_m3h", "Flow", PER_HOUR, 1)],
             no_value="not known now"),
        trend("Level and interface", queries(
            curve("level_mm", "level"), curve("level_mm", "level, uncertain", UNCERTAIN), curve("interface_mm", "interface"),
            curve("interface_mm", "interface, uncertain", UNCERTAIN), curve("layer_top_mm", "layer top"), curve("layer_bottom_mm", "layer bottom"),
            limit("hh_mm", "HH"), limit("h_mm", "H"), limit("l_mm", "L"),
            limit("ll_mm", "LL"), limit("interface_h_mm", "interface H"), limit("interface_l_mm", "interface L"), limit("height_mm", "height")),
            (24, 11), "Good values are drawn solid, uncertain ones in amber; bad ones and silence are gaps.", MILLIMETRES,
            [line("level", OIL, width=2), line("level, uncertain", AMBER, True, 2), line("interface", WATER, width=2),
             line("interface, uncertain", "yellow", True), line("layer top", EMULSION), line("layer bottom", EMULSION),
             *(limit_line(name, color) for name, color in
             [("HH", RED), ("H", AMBER), ("L", AMBER), ("LL", RED), ("interface H", "light-blue"), ("interface L", "light-blue"), ("height", GREY)])]),
        timeline("Quality of readings", queries((f'SELECT min("quality_code") AS "quality" FROM "tank" WHERE {OVER_TIME} {BY_TIME}', "quality")),
                 (12, 4), "The worst reading of each interval.", qualities()),
        timeline("State", queries((f'SELECT max("state") AS "state" FROM "live" WHERE {OVER_TIME} {BY_TIME}', "state")), (12, 4),
                 "Whether the centre could vouch for the tank. A gap: the centre itself was silent.", states(TANK_STATES)),
        trend("Temperature", queries(curve("temperature_c", "temperature"), curve("temperature_c", "temperature, uncertain", UNCERTAIN),
                                     limit("temperature_h_c", "high"), limit("temperature_l_c", "low")), (12, 8),
              "At the fixed point of the gauge.", "celsius",
              [line("temperature", "red", width=2), line("temperature, uncertain", AMBER, True), limit_line("high", AMBER), limit_line("low", AMBER)]),
        trend("Flow", queries(curve("flow_m3h", "flow")), (12, 8), "Positive into the tank.", PER_HOUR, [line("flow", "blue", width=2)]),
        trend("Volumes", queries(curve("tov_m3", "total (TOV)"), curve("oil_m3", "oil"), curve("emulsion_m3", "emulsion"), curve("fw_m3", "free water (FW)"),
                                 curve("nsv_m3", "net standard (NSV)"), curve("ullage_m3", "ullage"), limit("capacity_m3", "capacity")), (12, 8),
              "Of good readings.", "m3", [line("total (TOV)", "text"), line("oil", OIL), line("emulsion", EMULSION), line("free water (FW)", WATER),
                                          line("net standard (NSV)", "semi-dark-green"), line("ullage", GREY, True), limit_line("capacity", GREY)]),
        trend("Mass in air", queries(curve("mass_t", "mass")), (12, 8), "Of good readings.", TONNES, [line("mass", OIL, width=2)]),
        trend("Age of the newest reading", queries(
            (f'SELECT max("age_s") AS "age" FROM "live" WHERE {OVER_TIME} {BY_TIME}', "age"), limit("stale_after_s", "stale after")), (12, 7),
            "How old what was shown was at that time.", DURATION, [line("age", STALE), limit_line("stale after", RED)]),
        trend("Readings of each interval", queries(*(
            (f'SELECT count("quality_code") AS "{name}" FROM "tank" WHERE {OVER_TIME} AND {where} GROUP BY time($__interval) fill(0)', name)
            for name, where in [("good", GOOD), ("uncertain", UNCERTAIN), ("bad", '"quality_code" < 64')])), (12, 7),
            "How many readings there are, and of what quality.", "none",
            [line("good", GREEN), line("uncertain", AMBER), line("bad", RED)], interval="1m", drawStyle="bars", fillOpacity=80,
            stacking={"mode": "normal", "group": "A"}, spanNulls=False),
        standing(now, (12, 7), "Alarms of this tank"),
        events(OVER_TIME, (12, 7)),
    ], [SITE, variable("tank", "Tank", 'SHOW TAG VALUES FROM "live" WITH KEY = "tank" WHERE "site" = \'$site\'')], [alarms_on_curves()])


def events(where, size, title="What happened to alarms"):
    return table(title, queries(
        f'SELECT "event", "state", "value", "limit", "found", "who", "tank", "alarm", "priority" FROM "alarm" WHERE {where} ORDER BY time DESC LIMIT 500',
        table=True), size, "Newest first. What was found in late readings has called nobody.",
        [override("Time", display="When"), override("tank", display="Tank"), override("alarm", display="Alarm"),
         override("priority", display="Priority"), override("event", display="Event"), coloured("state", "State after", states(ALARM_STATES)),
         number("value", "Value", decimals=1), number("limit", "Limit", decimals=1), number("found", "Found late", decimals=1), override("who", display="Who")],
        hidden=(), no_value="-", order=["Time", "tank", "alarm", "priority", "event", "state", "value", "limit", "found", "who"])


def alarms_on_curves():
    text = f'SELECT "event", "alarm", "priority" FROM "alarm" WHERE {OF_TANK} AND $timeFilter ORDER BY time DESC LIMIT 300'
    target = {"refId": "Anno", "query": text, "rawQuery": True, "fromAnnotations": True, "queryType": "tags", "textEditor": True,
              "textColumn": "event", "tagsColumn": "alarm,priority", "titleColumn": "", "timeEndColumn": "", "name": "Alarms"}
    return {"name": "Alarms", "datasource": SOURCE, "enable": True, "hide": False, "iconColor": RED, "target": target}
