"""Whether each thing that the gateway depends on answers."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from sallyport.console.context import Console
from sallyport.settings import Address
from sallyport.store.database import reading

_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Dependency:
    ok: bool
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


async def check(console: Console) -> dict[str, Dependency]:
    """Every dependency by name."""
    database, redis, workers = await asyncio.gather(
        _answers(asyncio.to_thread(_ask_database, console)),
        _answers(_ask_redis(console)),
        check_workers(console),
    )
    status = console.recorder.status
    recorder = Dependency(
        ok=status.sql_error is None and status.redis_error is None,
        facts={"waiting": status.waiting, "lag_seconds": round(status.lag_seconds, 3)},
    )
    return {"database": database, "redis": redis, "recorder": recorder, "workers": workers}


async def check_workers(console: Console) -> Dependency:
    """Whether the data plane accepts calls."""
    return await _answers(_connect(console.settings.listen))


async def _answers(question: Awaitable[None]) -> Dependency:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await question
    except Exception:  # noqa: BLE001, RUF100 - down is down, however it fails
        return Dependency(ok=False)
    return Dependency(ok=True)


def _ask_database(console: Console) -> None:
    with reading(console.store.engine) as connection:
        connection.execute(text("SELECT 1"))


async def _ask_redis(console: Console) -> None:
    await console.redis.execute_command("PING")  # pyright: ignore[reportUnknownMemberType] - its **options; of a cluster, all nodes


async def _connect(address: Address) -> None:
    """The data plane accepts connections. The workers share one port: one of them answers for all."""
    _, writer = await asyncio.open_connection(_reachable(address.host), address.port)
    writer.close()


def _reachable(host: str) -> str:
    """Where to find what listens on `host`: on every address means on loopback too."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"
