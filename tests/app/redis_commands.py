"""What Redis itself says it was asked: one entry for each round trip, and what scripts did apart."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis


@dataclass
class Commands:
    """Names of commands, in capitals: ``asked`` by clients, ``inside`` of scripts."""

    asked: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)


@asynccontextmanager
async def commands(address: str) -> AsyncIterator[Commands]:
    """What was asked while the block ran, filled in at its end (MONITOR, https://redis.io/commands/monitor)."""
    client = Redis.from_url(address)
    seen = Commands()
    end = uuid.uuid4().hex
    async with client.monitor() as monitor:
        yield seen
        await client.echo(end)
        while end not in (entry := await monitor.next_command())["command"]:
            name = entry["command"].split()[0].upper()
            if entry["client_type"] == "lua":
                seen.inside.append(name)
            elif name not in {"CLIENT", "HELLO", "AUTH", "SELECT"}:  # of connections, not of operations
                seen.asked.append(name)
    await client.aclose()
