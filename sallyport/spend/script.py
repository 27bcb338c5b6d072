"""A Lua script beside this file, run by its digest: one round trip."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis.asyncio
from redis.exceptions import NoScriptError

Argument = str | bytes | int | float


class Script:
    def __init__(self, name: str) -> None:
        """`name`: of a file in this folder."""
        self._source = Path(__file__).with_name(name).read_bytes()
        self._digest = hashlib.sha1(self._source, usedforsecurity=False).hexdigest()  # EVALSHA knows scripts by their SHA-1

    async def run(self, client: redis.asyncio.Redis, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """The script's answer. A server that does not know the script yet is given it, and runs it, in a second round trip."""
        given = (len(keys), *keys, *arguments)
        answer: Any
        try:
            answer = await client.execute_command("EVALSHA", self._digest, *given)  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
        except NoScriptError:
            answer = await client.execute_command("EVAL", self._source, *given)  # pyright: ignore[reportUnknownMemberType] - the same
        return answer
