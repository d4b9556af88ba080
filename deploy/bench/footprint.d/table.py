"""Puts what was measured into a table in Markdown, and into one JSON file."""

import argparse
import json
import os
import platform
from pathlib import Path

ORDER = ("tankline-edge", "modbus4mqtt", "thingsboard-gateway", "node-red")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--settle", type=float, required=True)
    parser.add_argument("--measure", type=float, required=True)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results = [json.loads(path.read_text()) for path in args.results.glob("*.json")]
    results.sort(key=lambda result: ORDER.index(result["name"]))
    print(
        "| | processes | resident memory | at most | shared pages split | CPU of one core | on disk | readings/s |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for result in results:
        print(
            f"| {result['name']} {result['version']} | {result['processes']} | {mib(result['resident_mib'])} "
            f"| {mib(result['resident_peak_mib'])} | {mib(result['proportional_mib'])} "
            f"| {result['cpu_percent']:.1f} % | {mib(result['size_mib'])} | {result['readings_per_s']:.1f} |"
        )
    if args.json:
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "system": platform.system()}
        times = {"settle_s": args.settle, "measure_s": args.measure}
        args.json.write_text(json.dumps({**machine, **times, "results": results}, indent=2) + "\n")


def mib(value):
    return f"{value:.1f} MiB" if value < 100 else f"{value:.0f} MiB"


if __name__ == "__main__":
    main()
