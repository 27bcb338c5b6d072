"""The WebSocket contract: how one connection carries many calls.

A `SocketFormat` is a protocol (OpenAI Responses, OpenAI Realtime, Gemini Live), a `Conversation` one open connection in it, and
a `Turn` one answer of the model: a call of its own. As with `WireFormat`, nothing here knows of mitmproxy, callers or money.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from sallyport.providers.base import JsonObject, Operation
from sallyport.providers.usage import Tally


@dataclass(eq=False)
class Turn(Tally):
    """One answer within a conversation, from what asks for it to the last message about it."""

    asked_model: str | None = None
    held_tokens: int = 0
    """Tokens of the conversation that the provider holds already, and reads again for this answer."""
    id: str | None = None
    """The provider's name for the answer, once it has given one."""
    asked_by: str | None = None
    """The client's name for the message that asks for it, by which an error may refer to it."""
    lane: str | None = None
    """Which of several parallel conversations on the connection it belongs to."""
    status: int = 200
    """As HTTP would put it: an error that came in the place of an answer has its own."""


class Conversation(ABC):
    """One open WebSocket, followed message by message. It remembers only what later messages refer to."""

    @abstractmethod
    def sent(self, message: JsonObject, size: int) -> Turn | None:
        """Take note of a client's message of `size` bytes before it is passed on; the turn that it starts, if it does."""

    @abstractmethod
    def received(self, message: JsonObject) -> Turn | None:
        """Take note of a provider's message, and read its usage; the turn that it belongs to, perhaps one never asked for."""

    @abstractmethod
    def forget(self, turn: Turn) -> None:
        """The message that was to start the turn was refused: the provider never sees it."""

    def refusal(self, message: JsonObject, status: int, error: JsonObject) -> JsonObject | None:
        """How the client is told in-band that its message is refused; None where the connection can only be closed.

        `error` is the provider's error document for that status.
        """
        return None

    def stop(self, turn: Turn) -> JsonObject | None:
        """The message to the provider that ends a turn it has begun; None where the protocol has none."""
        return None


class SocketFormat(ABC):
    """A protocol on a WebSocket."""

    turn: Operation
    """What each turn is; its `wire` is the shape of all that a client says."""

    @abstractmethod
    def open(self, target: str) -> Conversation:
        """A connection to `target`, the path with its query as the client sent it."""
