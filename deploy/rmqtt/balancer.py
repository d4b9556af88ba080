#!/usr/bin/env python3
"""Spreads connections over the nodes of a cluster on one machine, and passes by those that do not answer.

For the trial in this folder. In a plant a real balancer does it; the README has the lines for HAProxy.

    balancer.py PORT NODE-PORT...
"""

import asyncio
import itertools
import sys


async def pour(source, sink):
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        sink.close()


async def main(port, nodes):
    turn = itertools.cycle(range(len(nodes)))

    async def serve(reader, writer):
        first = next(turn)
        for node in nodes[first:] + nodes[:first]:
            try:
                answer, question = await asyncio.open_connection("127.0.0.1", node)
            except OSError:
                continue
            await asyncio.gather(pour(reader, question), pour(answer, writer))
            return
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
