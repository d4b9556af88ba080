"""Measures processes and their children over a while: memory, processor time, and the readings that they publish."""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")

TOPICS = {
    "tankline-edge": ("tankline/v1/+/+/readings", '"seq":'),
    "modbus4mqtt": ("modbus4mqtt/#", '"level_mm"'),
    "thingsboard-gateway": ("v1/gateway/telemetry", '"register_49"'),
    "node-red": ("node-red/#", '"level_mm"'),
}
"""Where each publishes, and what stands once in the message for each reading."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", choices=TOPICS, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--size-of", type=Path, required=True, help="file or folder that was installed")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--port", type=int, required=True, help="where the broker takes clients without TLS")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("processes", nargs="+", type=int)
    args = parser.parse_args()

    topic, mark = TOPICS[args.name]
    with tempfile.TemporaryFile() as heard:
        listen = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(args.port), "-t", topic]
        listener = subprocess.Popen(listen, stdout=heard)
        try:
            time.sleep(0.5)
            before, heard_from, began = Usage(args.processes), heard.seek(0, os.SEEK_END), time.monotonic()
            samples = []
            while (left := began + args.seconds - time.monotonic()) > 0:
                time.sleep(min(1.0, left))
                samples.append(memory_kib(args.processes))
            took, after = time.monotonic() - began, Usage(args.processes)
        finally:
            listener.terminate()
            listener.wait()
        heard.seek(heard_from)
        readings = heard.read().count(mark.encode())

    def median(key):
        return statistics.median(sample[key] for sample in samples)

    result = {
        "name": args.name,
        "version": args.version,
        "processes": len(family(args.processes)),
        "threads": after.threads,
        "seconds": round(took, 2),
        "readings_per_s": round(readings / took, 2),
        "resident_mib": round(median("VmRSS") / 1024, 2),
        "resident_peak_mib": round(samples[-1]["VmHWM"] / 1024, 2),
        "resident_anonymous_mib": round(median("RssAnon") / 1024, 2),
        "resident_file_mib": round(median("RssFile") / 1024, 2),
        "proportional_mib": round(median("Pss") / 1024, 2),
        "cpu_percent": round((after.cpu_s - before.cpu_s) / took * 100, 3),
        "cpu_user_percent": round((after.user_s - before.user_s) / took * 100, 3),
        "switches_per_s": round((after.switches - before.switches) / took, 1),
        "size_mib": round(size(args.size_of) / 2**20, 2),
    }
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"footprint: {json.dumps(result)}", file=sys.stderr)
    if readings == 0:
        sys.exit(f"footprint: {args.name} published nothing on {topic}")


class Usage:
    """What processes have used since their start, with their children; what a child used that ended counts too."""

    def __init__(self, processes):
        self.user_s = self.cpu_s = 0.0
        self.threads = self.switches = 0
        for process in family(processes):
            # The name of the program stands in brackets and may hold spaces.
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            user, system, ended_user, ended_system = (int(field) * TICK_S for field in fields[11:15])
            self.user_s += user + ended_user
            self.cpu_s += user + ended_user + system + ended_system
            for task in Path(f"/proc/{process}/task").iterdir():
                self.threads += 1
                self.switches += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", (task / "status").read_text())))


def memory_kib(processes):
    """Gives resident (now, at most, anonymous, of files) and proportional memory of all together."""
    total = dict.fromkeys(("VmRSS", "VmHWM", "RssAnon", "RssFile", "Pss"), 0)
    for process in family(processes):
        for source in ("status", "smaps_rollup"):
            for key, value in re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{process}/{source}").read_text(), re.M):
                if key in total:
                    total[key] += int(value)
    return total


def family(processes):
    """Gives the processes and all their living children."""
    known = list(processes)
    for process in known:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            known += map(int, children.read_text().split())
    return known


def size(path):
    """Gives the bytes of a file, or of all files in a folder; links are not followed."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*"))


if __name__ == "__main__":
    main()
