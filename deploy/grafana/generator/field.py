"""The field: gauges on their lines, and edges."""

from shapes import *

BY_TIME = "GROUP BY time($__interval)"


def lines():
    where = '"site" = \'$site\' AND "edge" =~ /^$edge$/ AND "line" =~ /^$line$/'
    over_time = f"{where} AND $timeFilter"
    each = ("$tag_gauge", '"gauge" fill(none)')

    def rate(*fields):
        """How many more there are in each interval; a counter that begins anew counts from there."""
        return queries(*((f'SELECT non_negative_difference(last("{field}")) AS "{field}" FROM "line" WHERE {over_time} {BY_TIME}, {each[1]}',
                          f"{each[0]} $col" if len(fields) > 1 else each[0]) for field in fields))

    def last(field):
        return f'SELECT last("{field}") AS "{field}" FROM "line" WHERE {over_time} {BY_TIME}, "gauge" fill(null)', each[0]

    half_minutes = {"interval": "30s", "spanNulls": 95000}
    return dashboard("lines", "Lines and gauges", "How the gauges answer on their lines.", [
        table("Gauges", queries(
            f'SELECT last("polls") AS "polls", "replies", "timeouts", "crc_errors", "late", "foreign", "exceptions", "skipped", "reply_ms_p50", '
            f'"reply_ms_p99", "timeout_ms", "quality_code", "unit" FROM "line" WHERE {where} AND time > now() - 95s GROUP BY "edge", "line", "gauge"',
            table=True), (24, 11), "Counters since the start of each edge. An edge that has not told of its health for 95 s is not here.",
            [override("edge", display="Edge"), override("line", display="Line"), override("gauge", display="Gauge"), number("unit", "Unit"),
             coloured("quality_code", "Quality", qualities()), number("polls", "Polls"), number("replies", "Replies"),
             *(override(name, display=display, decimals=0, thresholds=steps((None, "text"), (1, AMBER)), custom_cellOptions={"type": "color-text"})
               for name, display in [("timeouts", "Time-outs"), ("crc_errors", "CRC"), ("late", "Late"), ("foreign", "Foreign"),
                                     ("exceptions", "Exceptions"), ("skipped", "Skipped")]),
             number("reply_ms_p50", "Reply p50", MILLISECONDS, 0), number("reply_ms_p99", "Reply p99", MILLISECONDS, 0), number("timeout_ms", "Time-out", MILLISECONDS, 0)],
            [("Line", False)], no_value="-", order=["edge", "line", "gauge", "unit", "quality_code", "polls", "replies"]),
        trend("Time-outs", rate("timeouts"), (12, 8), "Requests that nothing answered, of each interval.", drawStyle="bars", fillOpacity=70, **half_minutes),
        trend("Damaged frames", rate("crc_errors"), (12, 8), "Frames with a wrong CRC, and bytes that make no frame, of each interval.",
              drawStyle="bars", fillOpacity=70, **half_minutes),
        trend("Late and foreign frames, exceptions", rate("late", "foreign", "exceptions"), (12, 8),
              "Frames outside their time, of another unit, and exception replies, of each interval.", drawStyle="bars", fillOpacity=70, **half_minutes),
        trend("Polls left out", rate("skipped"), (12, 8), "Polls that were left out because the line was too busy, of each interval.",
              drawStyle="bars", fillOpacity=70, **half_minutes),
        trend("Reply time, median", queries(last("reply_ms_p50")), (12, 8), "From the last bit of the request to the last of the reply.", MILLISECONDS, **half_minutes),
        trend("Reply time, 99th percentile", queries(last("reply_ms_p99")), (12, 8), "The slowest of a hundred.", MILLISECONDS, **half_minutes),
        timeline("Quality of the latest reading of each gauge", queries(
            (f'SELECT last("quality_code") AS "quality" FROM "line" WHERE {over_time} {BY_TIME}, "gauge" fill(null)', "$tag_gauge")),
            (24, 12), "As the edge said with its health. A gap: it said nothing.", qualities(), interval="60s"),
    ], [SITE, variable("edge", "Edge", 'SHOW TAG VALUES FROM "line" WITH KEY = "edge" WHERE "site" = \'$site\'', True),
        variable("line", "Line", 'SHOW TAG VALUES FROM "line" WITH KEY = "line" WHERE "site" = \'$site\' AND "edge" =~ /^$edge$/', True)])


def edges():
    over_time = '"site" = \'$site\' AND $timeFilter'
    each = '"edge" fill(null)'

    def curve(field, title, description, unit="none", how="max", measurement="edge", **custom):
        text = f'SELECT {how}("{field}") AS "{field}" FROM "{measurement}" WHERE {over_time} {BY_TIME}, {each}'
        return trend(title, queries((text, "$tag_edge")), (12, 8), description, unit, **custom)

    return dashboard("edges", "Edges", "The agents on the RTUs: connected or not, and what waits in their journals.", [
        table("Edges now", queries(
            f'SELECT last("state") AS "state", "heard_age_s", "newest_reading_age_s", "journal_depth", "journal_oldest_s", "gap_readings", "held", '
            f'"time_unknown", "clock_set", "disk_trouble" FROM "edge" WHERE "site" = \'$site\' AND {NOW} GROUP BY "edge"', table=True), (24, 7),
            "What an edge says of itself is blank once it is older than 95 s or the edge is gone.",
            [override("edge", display="Edge"), coloured("state", "State", states(EDGE_STATES)), aged("newest_reading_age_s", "Newest reading"),
             override("heard_age_s", display="Health", unit=DURATION, decimals=0, thresholds=steps((None, GREEN), (60, AMBER), (95, RED)),
                      custom_cellOptions={"type": "color-text"}),
             number("journal_depth", "Journal"), number("journal_oldest_s", "Oldest", DURATION), number("gap_readings", "Lost"),
             number("held", "In memory only"), number("time_unknown", "Time unknown"), coloured("clock_set", "Clock", flags(("UNSET", RED), ("set", GREEN))),
             coloured("disk_trouble", "Disk", flags(("works", GREEN), ("TROUBLE", RED)))], [("Edge", False)], no_value="-"),
        timeline("Connected", queries((f'SELECT max("state") AS "state" FROM "edge" WHERE {over_time} {BY_TIME}, {each}', "$tag_edge")), (24, 7),
                 "A gap: the centre itself was silent.", states(EDGE_STATES)),
        curve("journal_depth", "Journal depth", "Readings that the edge holds until the centre has committed them."),
        curve("journal_oldest_s", "Oldest reading in the journal", "How far the centre is behind.", DURATION),
        curve("newest_reading_age_s", "Lag: age of the newest reading", "Of all tanks of the edge.", DURATION),
        curve("gap_readings", "Lost because the journal was full", "Since the journal was made."),
        curve("held", "In memory only", "Readings that the disk of the edge does not take."),
        curve("missing", "Missing at the centre", "On their way or lost.", measurement="completeness", interval="60s", spanNulls=200000),
    ], [SITE])
