"""A provider that remembers which calls it answered: raw asyncio, OpenAI's answers, some slowly, some as streams."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

_WORDS = 12


class Provider:
    """`answered`: call number → how often this provider has begun to answer it. A call says its number in its user agent."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.answered: Counter[int] = Counter()

    async def start(self) -> int:
        """The port on loopback."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self._server = server
        return server.sockets[0].getsockname()[1]

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0))
                await self._answer(int(head.partition(b"user-agent: fault/")[2].split(b"\r\n", 1)[0]), body, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    async def _answer(self, number: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._chance.random() / 10)
        self.answered[number] += 1
        usage = {"prompt_tokens": 20, "completion_tokens": self._chance.randrange(1, 40), "total_tokens": 0}
        if not json.loads(body).get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": "word"}, "finish_reason": "stop"}
            answer = json.dumps({"object": "chat.completion", "model": "gpt-4o", "choices": [choice], "usage": usage}).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer
            )
            return
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        pause = self._chance.random() / 10
        for number in range(_WORDS + 1):
            last = number == _WORDS
            choices = [] if last else [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]
            event = {"object": "chat.completion.chunk", "model": "gpt-4o", "choices": choices, "usage": usage if last else None}
            data = b"data: " + json.dumps(event).encode() + b"\n\n" + (b"data: [DONE]\n\n" if last else b"")
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await writer.drain()
            await asyncio.sleep(pause)
        writer.write(b"0\r\n\r\n")
