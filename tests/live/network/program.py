"""Runs in the stand-ins: ``listen PORT…`` answers on TCP and UDP, ``try`` says which ends of its input do.

An end is [name, address, port, protocol]. A refusal is an answer too: the packet came through.
"""

from __future__ import annotations

import asyncio
import json
import sys

SECONDS = 2.0
End = tuple[str, str, int, str]


class Echo(asyncio.DatagramProtocol):
    """Sends back what it gets; as a client, notes that anything came."""

    def __init__(self, heard: asyncio.Event | None = None) -> None:
        self.heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if self.heard:
            self.heard.set()
        elif isinstance(self.transport, asyncio.DatagramTransport):
            self.transport.sendto(data, address)

    def error_received(self, _error: Exception) -> None:
        if self.heard:
            self.heard.set()


async def listen(ports: list[int]) -> None:
    """For ever."""
    for port in ports:
        await asyncio.start_server(lambda _reader, writer: writer.close(), "0.0.0.0", port)  # noqa: S104
        await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("0.0.0.0", port))  # noqa: S104
    await asyncio.Event().wait()


async def answers(end: End) -> bool:
    """Whether anything comes back within the time."""
    _, address, port, protocol = end
    try:
        async with asyncio.timeout(SECONDS):
            await (over_udp(address, port) if protocol == "UDP" else over_tcp(address, port))
    except ConnectionRefusedError:
        return True
    except (TimeoutError, OSError):
        return False
    return True


async def over_tcp(address: str, port: int) -> None:
    _, writer = await asyncio.open_connection(address, port)
    writer.close()


async def over_udp(address: str, port: int) -> None:
    heard = asyncio.Event()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Echo(heard), remote_addr=(address, port)
    )
    try:
        while not heard.is_set():
            transport.sendto(QUESTION)
            try:
                await asyncio.wait_for(heard.wait(), 0.3)
            except TimeoutError:
                continue
    finally:
        transport.close()


# A question that a name server answers too: the address of `a.` (RFC 1035, 4.1).
QUESTION = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01"


async def tried(ends: list[End]) -> list[str]:
    """Names of those that answer."""
    found = await asyncio.gather(*map(answers, ends))
    return [end[0] for end, answered in zip(ends, found, strict=True) if answered]


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        asyncio.run(listen([int(port) for port in sys.argv[2:]]))
    else:
        print(json.dumps(asyncio.run(tried(json.load(sys.stdin)))))
