"""Alarms: those that stand, how often there are any, and what happened."""

from shapes import *
from station import standing
from tank import events


def alarms():
    of_site = '"site" = \'$site\''
    over_time = f"{of_site} AND $timeFilter"
    days = [("annunciations", "In 24 h", steps((None, GREEN), (144, AMBER), (288, RED))),
            ("per_10_min", "Per 10 min", steps((None, GREEN), (1, AMBER), (2, RED))),
            ("most_in_10_min", "Most in 10 min", steps((None, GREEN), (10, AMBER))),
            ("floods", "Floods", NONE_WANTED), ("flooded_percent", "Of the time in flood", steps((None, GREEN), (1, AMBER))),
            ("chattering", "Chattering", NONE_WANTED), ("fleeting", "Fleeting", PLAIN), ("stale", "Stale over 24 h", steps((None, GREEN), (5, AMBER)))]
    units = {"flooded_percent": "percent"}
    fields = ", ".join(f'"{name}"' for name, _, _ in days[1:])
    overrides = [override(name, display=display, thresholds=limits, unit=units.get(name, "none"), decimals=1 if "per" in name else 0,
                          color={"mode": "thresholds"}) for name, display, limits in days]
    rate = f'SELECT count("state") AS "alarms" FROM "alarm" WHERE {over_time} AND "state" = 1 GROUP BY time($__interval), "priority" fill(0)'
    kpi = lambda field, name: (f'SELECT last("{field}") AS "{name}" FROM "alarm_kpi" WHERE {over_time} GROUP BY time($__interval) fill(null)', name)
    priorities = [line("critical", RED), line("high", AMBER), line("medium", "yellow"), line("low", "blue")]
    return dashboard("alarms", "Alarms", "Alarms by ISA-18.2: what stands, how they do, what happened.", [
        stat("Now", queries(f'SELECT last("alarms_unacknowledged") AS "unacknowledged", "alarms_critical" AS "critical", "alarms_high" AS "high", '
                            f'"alarms_medium" AS "medium", "alarms_low" AS "low", "alarms_put_aside" AS "put aside" FROM "station" WHERE {of_site} AND {NOW}',
                            table=True), (24, 4), "Nothing here means that the centre itself is silent.",
             overrides=[override(name, thresholds=steps((None, ROOM), (1, color)), color={"mode": "thresholds"}) for name, color in
                        [("unacknowledged", RED), ("critical", RED), ("high", AMBER), ("medium", "yellow"), ("low", "blue"), ("put aside", GREY)]],
             no_value="CENTRE SILENT"),
        standing(f"{of_site} AND {NOW}", (24, 10), "Alarms that are not normal", '"state" > 0'),
        stat("Last 24 hours, against ISA-18.2 table 8", queries(
            f'SELECT last("annunciations") AS "annunciations", {fields} FROM "alarm_kpi" WHERE {of_site} AND {SELDOM}', table=True), (24, 4),
            "Recommended for one operator: about 1 alarm in ten minutes, none of the time in flood, none that chatters.", overrides=overrides),
        trend("Alarms raised", queries((rate, "$tag_priority")), (12, 8), "Each time that an alarm called for somebody.", overrides=priorities,
              interval="10m", drawStyle="bars", fillOpacity=80, spanNulls=False, stacking={"mode": "normal", "group": "A"}),
        trend("Priorities", queries(kpi("critical_percent", "critical"), kpi("high_percent", "high"), kpi("medium_percent", "medium"), kpi("low_percent", "low")),
              (12, 8), "Of the alarms of 24 hours. Recommended: about 5 % high, 15 % medium, 80 % low.", "percent", priorities, interval="60s", spanNulls=200000),
        trend("Rate", queries(kpi("per_hour", "per hour"), kpi("per_10_min", "per 10 minutes"), kpi("most_in_10_min", "most in 10 minutes")), (12, 8),
              "Over 24 hours.", interval="60s", spanNulls=200000),
        trend("Time to acknowledge", queries(kpi("acknowledged_median_s", "median"), kpi("acknowledged_p90_s", "nine in ten")), (12, 8), "Over 24 hours.", DURATION,
              interval="60s", spanNulls=200000),
        events(over_time, (24, 12)),
    ], [SITE], span="24h")
