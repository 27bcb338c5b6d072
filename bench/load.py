"""The load: N connections, one call after another on each, in a process of its own so that its CPU is not counted.

`python -m bench.load` reads one JSON `Plan` on stdin and prints {"calls", "seconds", "p50_ms", "p99_ms", "errors"}.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    proxy_port: int
    host: str
    """What CONNECT names; empty: no CONNECT, the request goes to the proxy port itself (base URL)."""
    path: str
    ca: str
    key: str
    body: str
    calls: int
    connections: int
    keep_alive: bool


async def _open(plan: Plan, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.proxy_port)
    if plan.host:
        basic = base64.b64encode(f"bench:{plan.key}".encode()).decode()
        writer.write(f"CONNECT {plan.host} HTTP/1.1\r\nhost: {plan.host}\r\nproxy-authorization: Basic {basic}\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in answer.split(b"\r\n", 1)[0]:
            raise ConnectionError(answer.decode("latin-1"))
        await writer.start_tls(context, server_hostname=plan.host.rpartition(":")[0])
    return reader, writer


async def _call(plan: Plan, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    body = plan.body.encode()
    host = plan.host.rpartition(":")[0] or "127.0.0.1"
    writer.write(
        f"POST {plan.path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {plan.key}\r\ncontent-type: application/json\r\n"
        f"user-agent: bench\r\naccept: */*\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" in head:
        while (size := int(await reader.readline(), 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
    return head.startswith(b"http/1.1 200")


async def _run(plan: Plan) -> dict[str, float]:
    context = ssl.create_default_context(cafile=plan.ca)
    latencies: list[float] = []
    errors, left = 0, plan.calls

    async def connection() -> None:
        nonlocal errors, left
        link = None
        while left > 0:
            left -= 1
            begin = time.perf_counter()
            if link is None:
                link = await _open(plan, context)
            errors += not await _call(plan, *link)
            latencies.append(time.perf_counter() - begin)
            if not plan.keep_alive:
                link[1].close()
                link = None
        if link:
            link[1].close()

    begin = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(plan.connections)))
    seconds = time.perf_counter() - begin
    latencies.sort()
    return {
        "calls": len(latencies),
        "seconds": seconds,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
        "errors": errors,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(Plan(**json.load(sys.stdin))))))
