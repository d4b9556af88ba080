"""A gateway from Modbus TCP to serial lines, such as stands in a cabinet: a port a line, one request at a time."""

import argparse
import os
import select
import socket
import socketserver
import threading
import time
import tty
from pathlib import Path

SILENCE_S = 0.004
"""3.5 characters at 9600 baud, rounded up."""

REPLY_TIMEOUT_S = 0.5

GATEWAY_TARGET_FAILED = 0x0B


def crc(frame):
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


class Line:
    def __init__(self, path):
        self.port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.port)
        self.lock = threading.Lock()

    def ask(self, request):
        """Gives the reply to a request, both without CRC; without a good reply in time, an exception."""
        with self.lock:
            time.sleep(SILENCE_S)
            while select.select([self.port], [], [], 0)[0]:
                os.read(self.port, 256)
            os.write(self.port, request + crc(request))
            deadline, reply = time.monotonic() + REPLY_TIMEOUT_S, b""
            while (left := deadline - time.monotonic()) > 0 and select.select([self.port], [], [], left)[0]:
                reply += os.read(self.port, 256)
                if len(reply) >= 5 and len(reply) >= (5 if reply[1] & 0x80 else reply[2] + 5):
                    break
        body, check = reply[:-2], reply[-2:]
        if len(reply) >= 5 and body[0] == request[0] and crc(body) == check:
            return body
        return bytes([request[0], request[1] | 0x80, GATEWAY_TARGET_FAILED])


def exactly(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data


class Client(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                header = exactly(self.request, 6)
                reply = self.server.line.ask(exactly(self.request, int.from_bytes(header[4:6], "big")))
                self.request.sendall(header[:4] + len(reply).to_bytes(2, "big") + reply)
        except ConnectionError:
            pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", nargs="+", type=Path)
    parser.add_argument("--ports", type=Path, required=True, help="file to which each line's name and port go")
    args = parser.parse_args()
    known = ""
    for path in args.lines:
        server = Server(("127.0.0.1", 0), Client)
        server.line = Line(path)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        known += f"{path.name} {server.server_address[1]}\n"
    args.ports.write_text(known)
    threading.Event().wait()


if __name__ == "__main__":
    main()
