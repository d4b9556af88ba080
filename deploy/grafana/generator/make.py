#!/usr/bin/env python3
"""Writes the dashboards, or with --check says which of them are not what this makes."""

import json
import pathlib
import sys

from alarms import alarms
from field import edges, lines
from history import history
from quality import quality
from station import station
from tank import tank
from victoria import station_of_victoria, tank_of_victoria

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "dashboards"
DASHBOARDS = {
    "influxdb": {"station": station, "tank": tank, "lines": lines, "edges": edges, "alarms": alarms, "quality": quality,
                 "history": history},
    "victoria-metrics": {"station": station_of_victoria, "tank": tank_of_victoria},
}


def files():
    """Gives the path and the text of each dashboard."""
    for folder, dashboards in DASHBOARDS.items():
        for name, make in dashboards.items():
            yield FOLDER / folder / f"{name}.json", json.dumps(make(), indent=1, ensure_ascii=False) + "\n"


def main():
    check, wrong = "--check" in sys.argv[1:], []
    for path, text in files():
        if check and (not path.is_file() or path.read_text(encoding="utf-8") != text):
            wrong.append(str(path))
        elif not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    strangers = {path for path in FOLDER.rglob("*.json")} - {path for path, _ in files()}
    wrong += [f"{path} is of no dashboard" for path in sorted(strangers)] if check else []
    if wrong:
        print("not what generator/make.py writes; run it:", *wrong, sep="\n  ", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
