"""A WebSocket at a provider's: who talks on it, and how what is said goes out."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from sallyport.standin.script import Refusal
from sallyport.standin.wire import Cut, JsonObject, dump

Say = Callable[[JsonObject], Awaitable[None]]
OpenSession = Callable[[Say], "Session"]
_DIED, _REFUSED = 1011, 1007
_LONGEST_REASON = 120


class Session(ABC):
    """One open WebSocket."""

    binary = False
    """Its messages go out as binary ones."""

    def __init__(self, say: Say) -> None:
        self.say = say

    async def begin(self) -> None:  # noqa: B027 - most say nothing
        """What the provider says first."""

    @abstractmethod
    async def hear(self, message: JsonObject) -> None:
        """Act on a client's message. Raises Cut to end the connection badly, Refusal to end it with a reason."""

    async def end(self) -> None:  # noqa: B027 - most have nothing to give up
        """The client has gone."""


async def hold(websocket: WebSocket, open_session: OpenSession, note: Callable[[bytes], None]) -> None:
    """Accept the handshake, and talk until one side ends it. Every message that comes is given to `note`."""
    offered: list[str] = websocket.scope["subprotocols"]
    await websocket.accept(subprotocol=offered[0] if offered else None)

    async def say(message: JsonObject) -> None:
        content = dump(message)
        await (websocket.send_bytes(content) if session.binary else websocket.send_text(content.decode()))

    session = open_session(say)
    try:
        await session.begin()
        while True:
            received = await websocket.receive()
            if received["type"] == "websocket.disconnect":
                return
            text: str | None = received.get("text")
            content: bytes = text.encode() if text is not None else received["bytes"]
            note(content)
            await session.hear(json.loads(content))
    except Cut:
        await websocket.close(_DIED)
    except Refusal as refusal:
        await websocket.close(_REFUSED, refusal.message[:_LONGEST_REASON])
    except WebSocketDisconnect:
        pass
    finally:
        await session.end()
