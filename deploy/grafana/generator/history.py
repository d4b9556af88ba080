"""Years of one tank, out of ten-minute means of good readings (deploy/influxdb)."""

from shapes import *

OF_TANK = '"site" = \'$site\' AND "tank" = \'$tank\' AND $timeFilter'
BY_TIME = "GROUP BY time($__interval) fill(null)"


def history():
    def curve(field, name, how="mean"):
        return f'SELECT {how}("{field}") AS "{name}" FROM "long"."tank" WHERE {OF_TANK} {BY_TIME}', name

    # Means of ten minutes: what is missing for longer than an hour and a bit is a gap.
    means = {"interval": "10m", "spanNulls": 4000000}
    counts = queries(*(curve(name, name, "sum") for name in ["good", "uncertain", "bad"]))
    return dashboard("history", "Tank, years", "Ten-minute means of good readings. Where there were none there is a gap.", [
        trend("Level and interface", queries(curve("level_mm", "level"), curve("level_min_mm", "lowest", "min"), curve("level_max_mm", "highest", "max"),
                                             curve("interface_mm", "interface")), (24, 11), "Means, and the lowest and highest level of each interval.", MILLIMETRES,
              [line("level", OIL, width=2), line("lowest", GREY), line("highest", GREY), line("interface", WATER)], **means),
        trend("Volumes", queries(curve("tov_m3", "total (TOV)"), curve("oil_m3", "oil"), curve("emulsion_m3", "emulsion"), curve("fw_m3", "free water (FW)"), curve("nsv_m3", "net standard (NSV)")),
              (12, 8), "Means.", "m3", [line("oil", OIL), line("emulsion", EMULSION), line("free water (FW)", WATER)], **means),
        trend("Mass in air", queries(curve("mass_t", "mass")), (12, 8), "Means.", TONNES, [line("mass", OIL)], **means),
        trend("Temperature", queries(curve("temperature_c", "temperature")), (12, 8), "Means.", "celsius", [line("temperature", "red")], **means),
        trend("Flow", queries(curve("flow_m3h", "flow")), (12, 8), "Means; positive into the tank.", PER_HOUR, [line("flow", "blue")], **means),
        trend("Readings", counts, (24, 7), "How many there were, and of what quality.", overrides=[line("good", GREEN), line("uncertain", AMBER), line("bad", RED)],
              interval="10m", drawStyle="bars", fillOpacity=80, spanNulls=False, stacking={"mode": "normal", "group": "A"}),
    ], [SITE, variable("tank", "Tank", 'SHOW TAG VALUES FROM "long"."tank" WITH KEY = "tank" WHERE "site" = \'$site\'')], span="30d", refresh="15m")
