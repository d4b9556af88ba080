// Ten-minute means of good readings, for the bucket tanks_long. Where there are none there is no mean: a gap stays a gap.
// Each run takes the last two hours anew, so that readings which came late are in it.
import "date"

option task = {name: "tankline 10 min", every: 10m, offset: 1m}

stop = date.truncate(t: now(), unit: 10m)
start = date.sub(from: stop, d: 2h)

readings =
    from(bucket: "tanks")
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "tank" and r._field != "quality")
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")

good = readings |> filter(fn: (r) => r.quality_code >= 192)

// Writes one figure of each ten minutes: of the column `source`, as the field `as`.
put = (tables=<-, source, fn, as) =>
    tables
        |> keep(columns: ["_time", "_start", "_stop", "_measurement", "site", "tank", source])
        |> group(columns: ["_measurement", "site", "tank"])
        |> aggregateWindow(every: 10m, fn: fn, column: source, timeSrc: "_start", createEmpty: false)
        |> rename(fn: (column) => if column == source then "_value" else column)
        |> set(key: "_field", value: as)
        |> to(bucket: "tanks_long")

good |> put(source: "level_mm", fn: mean, as: "level_mm")
good |> put(source: "level_mm", fn: min, as: "level_min_mm")
good |> put(source: "level_mm", fn: max, as: "level_max_mm")
good |> put(source: "interface_mm", fn: mean, as: "interface_mm")
good |> put(source: "temperature_c", fn: mean, as: "temperature_c")
good |> put(source: "tov_m3", fn: mean, as: "tov_m3")
good |> put(source: "oil_m3", fn: mean, as: "oil_m3")
good |> put(source: "fw_m3", fn: mean, as: "fw_m3")
good |> put(source: "emulsion_m3", fn: mean, as: "emulsion_m3")
good |> put(source: "nsv_m3", fn: mean, as: "nsv_m3")
good |> put(source: "mass_t", fn: mean, as: "mass_t")
good |> put(source: "flow_m3h", fn: mean, as: "flow_m3h")
good |> put(source: "quality_code", fn: count, as: "good")
readings |> filter(fn: (r) => r.quality_code >= 64 and r.quality_code < 192) |> put(source: "quality_code", fn: count, as: "uncertain")
readings |> filter(fn: (r) => r.quality_code < 64) |> put(source: "quality_code", fn: count, as: "bad")
