"""A Lua script beside this file, run by its digest: one round trip."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import redis.asyncio
from redis.exceptions import NoScriptError

from sallyport.spend.connection import Client
from sallyport.spend.script_connection import Command

Argument = str | bytes | int | float


class Script:
    def __init__(self, name: str, remark: str = "") -> None:
        """`name`: of a file in this folder. `remark`: scripts that differ in it are each new to a server."""
        self._source = Path(__file__).with_name(name).read_bytes() + f"\n-- {remark!r}".encode()
        self._digest = hashlib.sha1(self._source, usedforsecurity=False).hexdigest()  # EVALSHA knows scripts by their SHA-1

    async def run(
        self,
        client: redis.asyncio.Redis,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        *,
        first: Sequence[Argument] = (),
        seconds: float | None = None,
    ) -> Any:
        """The script's answer. A server that does not know the script yet is given it, and runs it, in a second round trip,
        with the arguments `first` at the end. `seconds`: the longest wait. Raises redis.RedisError, OSError, TimeoutError.
        """
        # redis-py looks long at what is not bytes.
        given = (len(keys), *(key.encode() for key in keys), *(one.encode() if type(one) is str else one for one in arguments))
        try:
            return await _execute(client, ("EVALSHA", self._digest, *given), seconds)
        except NoScriptError:
            return await _execute(client, ("EVAL", self._source, *given, *first), seconds)


async def _execute(client: redis.asyncio.Redis, command: Command, seconds: float | None) -> Any:
    if isinstance(client, Client) and client.scripts:
        return await client.scripts.run(command, seconds)
    execute = cast("Callable[..., Awaitable[Any]]", client.execute_command)  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
    async with asyncio.timeout(seconds):
        return await execute(*command)
