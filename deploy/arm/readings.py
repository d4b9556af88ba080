"""Checks messages with readings, one a line: good, with the gauge's values. Prints their journal."""

import json
import sys
from pathlib import Path

SHOWN = {"tank": "T-01", "level_mm": 9641, "interface_mm": 6367, "temperature_c": 32.5, "quality": "good"}


def main():
    messages = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    readings = [reading for message in messages for reading in message["readings"]]
    journals = {message["journal"] for message in messages}
    if len(journals) != 1:
        sys.exit(f"readings of one journal are wanted, not of {sorted(journals)}")
    for reading in readings:
        if (got := {key: reading.get(key) for key in SHOWN}) != SHOWN:
            sys.exit(f"reading {reading['seq']} is {got}, where {SHOWN} is wanted")
    print(journals.pop())


if __name__ == "__main__":
    main()
