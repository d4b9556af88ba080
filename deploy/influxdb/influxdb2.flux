// Ten-minute means of good readings, for the bucket tanks_long. Where there are none there is no mean: a gap stays a gap.
// Each run takes the last two hours anew, so that readings which came late are in it.
import "date"

option task = {name: "tankline 10 min", every: 10m, offset: 1m}

stop = date.truncate(t: now(), unit: 10m)
start = date.sub(from: stop, d: 2h)

readings =
    from(bucket: "tanks")
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "tank")

// Writes one figure of each ten minutes, as the field `as`.
put = (tables=<-, fn, as) =>
    tables
        |> keep(columns: ["_time", "_start", "_stop", "_measurement", "site", "tank", "_value"])
        |> group(columns: ["_measurement", "site", "tank"])
        |> aggregateWindow(every: 10m, fn: fn, timeSrc: "_start", createEmpty: false)
        |> set(key: "_field", value: as)
        |> to(bucket: "tanks_long")

// Gives the values of a field in good readings. A field that no reading of a tank has makes no column, and a column that is
// not there fails all of the run: so each field is taken by itself, and what is named after the pivot is asked for first.
good = (field) =>
    readings
        |> filter(fn: (r) => r._field == field or r._field == "quality_code")
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> rename(fn: (column) => if column == field then "_value" else column)
        |> filter(fn: (r) => exists r._value and exists r.quality_code and r.quality_code >= 192)

// Gives the codes of the readings whose quality is of a band.
quality = (from, below) =>
    readings
        |> filter(fn: (r) => r._field == "quality_code")
        |> filter(fn: (r) => r._value >= from and r._value < below)

good(field: "level_mm") |> put(fn: mean, as: "level_mm")
good(field: "level_mm") |> put(fn: min, as: "level_min_mm")
good(field: "level_mm") |> put(fn: max, as: "level_max_mm")
good(field: "interface_mm") |> put(fn: mean, as: "interface_mm")
good(field: "temperature_c") |> put(fn: mean, as: "temperature_c")
good(field: "tov_m3") |> put(fn: mean, as: "tov_m3")
good(field: "oil_m3") |> put(fn: mean, as: "oil_m3")
good(field: "fw_m3") |> put(fn: mean, as: "fw_m3")
good(field: "emulsion_m3") |> put(fn: mean, as: "emulsion_m3")
good(field: "nsv_m3") |> put(fn: mean, as: "nsv_m3")
good(field: "mass_t") |> put(fn: mean, as: "mass_t")
good(field: "flow_m3h") |> put(fn: mean, as: "flow_m3h")
quality(from: 192, below: 256) |> put(fn: count, as: "good")
quality(from: 64, below: 192) |> put(fn: count, as: "uncertain")
quality(from: 0, below: 64) |> put(fn: count, as: "bad")
