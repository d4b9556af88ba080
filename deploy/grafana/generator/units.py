"""The units that the dashboards may have: those that Grafana shows as they are.

Most of its units are scaled to the size of a value and then rounded: 9641 of `lengthmm` without decimals is "10 m", and 149 of
`s` is "2 min". An operator compares what is shown with limits and with dips, so no unit here is scaled.
"""

MILLIMETRES, TONNES, PER_HOUR, MILLISECONDS = "suffix:mm", "suffix:t", "suffix:m³/h", "suffix:ms"
# Hours, minutes and seconds, such as 26:03:59.
DURATION = "dthms"
MOMENT = "dateTimeAsIso"
FIXED = {"none": "", "percent": "%", "celsius": " °C", "m3": " m³"}


def is_fixed(unit):
    """Tells whether Grafana shows a value of this unit as it is."""
    return unit in FIXED or unit in (DURATION, MOMENT) or (unit.startswith("suffix:") and unit[7:] == unit[7:].strip() != "")


def shown(value, unit, decimals=None):
    """Shows a number as Grafana does."""
    if not is_fixed(unit):
        raise ValueError(f"{unit} is scaled")
    if unit == DURATION:
        seconds = int(abs(value))
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (" ago" if value < 0 else "")
    if decimals is None:
        decimals = 0 if float(value).is_integer() else 1
    return f"{value:.{int(decimals)}f}{FIXED[unit] if unit in FIXED else ' ' + unit[7:]}"
