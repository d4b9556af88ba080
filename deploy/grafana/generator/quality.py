"""Data quality: what is missing, stale, uncertain or bad."""

from shapes import *


def quality():
    over_time = '"site" = \'$site\' AND $timeFilter'
    kinds = [("good", '"quality_code" >= 192', GREEN), ("uncertain", '"quality_code" >= 64 AND "quality_code" < 192', AMBER), ("bad", '"quality_code" < 64', RED)]
    counts = queries(*((f'SELECT count("quality_code") AS "{name}" FROM "tank" WHERE {over_time} AND {where} GROUP BY time($__interval) fill(0)', name)
                       for name, where, _ in kinds))
    station = lambda field: (f'SELECT max("{field}") AS "{field}" FROM "station" WHERE {over_time} GROUP BY time($__interval) fill(null)', field)
    of_edges = lambda field, measurement: (f'SELECT max("{field}") AS "{field}" FROM "{measurement}" WHERE {over_time} GROUP BY time($__interval), "edge" fill(null)', "$tag_edge")

    seldom = {"interval": "60s", "spanNulls": 200000}
    return dashboard("quality", "Data quality", "Gaps, stale tanks, uncertain and bad readings.", [
        trend("Readings", counts, (12, 8), "Of all tanks, by quality, of each interval.", overrides=[line(name, color) for name, _, color in kinds],
              interval="1m", drawStyle="bars", fillOpacity=80, spanNulls=False, stacking={"mode": "normal", "group": "A"}),
        trend("Tanks that cannot be vouched for", queries(station("stale"), station("bad"), station("uncertain"), station("never")), (12, 8),
              "How many tanks are stale, bad, uncertain or were never read. A gap: the centre itself was silent.",
              overrides=[line("stale", STALE, width=2), line("bad", RED, width=2), line("uncertain", AMBER), line("never", GREY)]),
        timeline("State of each tank", queries(
            (f'SELECT max("state") AS "state" FROM "live" WHERE {over_time} GROUP BY time($__interval), "tank" fill(null)', "$tag_tank")), (24, 16),
            "The worst of each interval. A gap: the centre itself was silent.", states(TANK_STATES), interval="30s"),
        table("Stale, bad and uncertain tanks now", queries(
            f'SELECT * FROM (SELECT last("state") AS "state", "age_s", "quality" FROM "live" WHERE "site" = \'$site\' AND {NOW} GROUP BY "tank") WHERE "state" > 0',
            table=True), (12, 9), "What operators are not shown as live.",
            [override("tank", display="Tank"), coloured("state", "State", states(TANK_STATES)), aged("age_s", "Age"), override("quality", display="Last quality")],
            [("Age", True)], no_value="none known now"),
        table("Bad and uncertain readings by tank", queries(
            f'SELECT count("quality_code") AS "readings" FROM "tank" WHERE {over_time} AND "quality_code" < 192 GROUP BY "tank"', table=True), (12, 9),
            "In the span shown.", [override("tank", display="Tank"), number("readings", "Readings")], [("Readings", True)], no_value="none"),
        trend("Missing at the centre", queries(of_edges("missing", "completeness")), (12, 8), "Readings on their way or lost, by edge.", **seldom),
        trend("Dropped at the edge", queries(of_edges("dropped", "completeness")), (12, 8), "Readings that an edge lost because its journal was full.", **seldom),
        trend("Time unknown", queries(of_edges("time_unknown", "edge")), (12, 8), "Readings stamped while the clock of the edge was not set."),
        trend("Age of the newest reading", queries(
            (f'SELECT max("age_s") AS "age" FROM "live" WHERE {over_time} GROUP BY time($__interval), "tank" fill(null)', "$tag_tank")), (12, 8),
            "By tank.", DURATION, interval="30s"),
    ], [SITE], span="6h")
