"""Runs a command as its service manager, waits until it says READY=1, stops it, and wants STOPPING=1 and exit code 0."""

import os
import signal
import socket
import subprocess
import sys

DEADLINE_S = 120

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("\0tankline-check")
manager.settimeout(DEADLINE_S)
environment = dict(os.environ, NOTIFY_SOCKET="@tankline-check", WATCHDOG_USEC="60000000")
process = subprocess.Popen(sys.argv[1:], env=environment)


def wait_for(line):
    while True:
        news = manager.recv(4096).decode().splitlines()
        print("told:", ", ".join(news), flush=True)
        if line in news:
            return


try:
    wait_for("READY=1")
    process.send_signal(signal.SIGTERM)
    wait_for("STOPPING=1")
    sys.exit(process.wait(DEADLINE_S))
finally:
    process.kill()
