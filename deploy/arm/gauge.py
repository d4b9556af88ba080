"""A gauge behind Modbus TCP: it always answers what the published exchange shows."""

import argparse
import socketserver
import struct
from pathlib import Path

REGISTERS = {49: 9641, 50: 6367, 51: 325}
"""By address: level and interface in mm, temperature in 0.1 degC."""

READ_HOLDING, READ_INPUT = 3, 4
NO_SUCH_FUNCTION, NO_SUCH_ADDRESS = 1, 2


def answer(request):
    """Gives the reply to a request, both with the unit before them and without CRC."""
    unit, function = request[0], request[1]
    if function not in (READ_HOLDING, READ_INPUT) or len(request) != 6:
        return bytes([unit, function | 0x80, NO_SUCH_FUNCTION])
    first, count = struct.unpack(">HH", request[2:])
    if count == 0 or any(address not in REGISTERS for address in range(first, first + count)):
        return bytes([unit, function | 0x80, NO_SUCH_ADDRESS])
    values = [REGISTERS[address] for address in range(first, first + count)]
    return struct.pack(f">BBB{count}H", unit, function, 2 * count, *values)


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        while len(header := self.rfile.read(6)) == 6:
            transaction, _, length = struct.unpack(">HHH", header)
            request = self.rfile.read(length)
            if len(request) < max(length, 2):
                return
            reply = answer(request)
            self.wfile.write(struct.pack(">HHH", transaction, 0, len(reply)) + reply)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True, help="file to which the port goes")
    args = parser.parse_args()
    with Server(("127.0.0.1", 0), Client) as server:
        args.port_file.write_text(str(server.server_address[1]))
        server.serve_forever()


if __name__ == "__main__":
    main()
