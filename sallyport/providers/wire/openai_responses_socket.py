"""OpenAI Responses on a WebSocket (https://developers.openai.com/api/docs/guides/websocket-mode).

A client's `response.create` is the body of a call; the events of a stream come back as messages. Several conversations may share
the connection, each in a lane (`stream_id`), where one answer follows the other. A client that steers an answer makes the
provider go on with another one that was not asked for.
"""

from __future__ import annotations

from collections import OrderedDict

from sallyport.providers.base import JsonObject, Operation
from sallyport.providers.sockets import Conversation, SocketFormat, Turn
from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_responses import OpenAIResponses, read_event
from sallyport.providers.wire.reading import obj, text

_MOST_REMEMBERED = 64
"""Answers whose size is known, for turns that go on from one of them; agents go on from the last."""


class OpenAIResponsesSocket(SocketFormat):
    turn = Operation("responses", OpenAIResponses(), stream=True)

    def open(self, target: str) -> Conversation:
        return _Responses()


class _Responses(Conversation):
    def __init__(self) -> None:
        self._waiting: list[Turn] = []
        self._running: dict[str | None, Turn] = {}
        """By lane."""
        self._sizes: OrderedDict[str, int] = OrderedDict()
        """Answer → tokens of the conversation up to its end."""

    def sent(self, message: JsonObject, size: int) -> Turn | None:
        if message.get("type") != "response.create":
            return None
        turn = Turn(
            asked_model=text(message, "model"),
            held_tokens=self._sizes.get(text(message, "previous_response_id") or "", 0),
            lane=text(message, "stream_id"),
        )
        if message.get("generate") is False:  # only prepares the next turn: what no usage names costs nothing
            turn.usage = Usage()
        self._waiting.append(turn)
        return turn

    def received(self, message: JsonObject) -> Turn | None:
        lane, kind = text(message, "stream_id"), text(message, "type") or ""
        turn = self._running.get(lane)
        if kind == "response.created":
            turn = self._running[lane] = self._next(lane) or self._steered(lane, obj(message, "response"))
        elif kind == "error" and turn is None and (turn := self._next(lane)):
            status = message.get("status")
            turn.status = status if type(status) is int and status >= 400 else 500
        if turn is None:
            return None
        read_event(turn, message, kind)
        if turn.complete:
            self._running.pop(lane, None)
            self._remember(turn, text(obj(message, "response"), "id"))
        return turn

    def forget(self, turn: Turn) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)

    def refusal(self, message: JsonObject, status: int, error: JsonObject) -> JsonObject:
        lane = {"stream_id": message["stream_id"]} if "stream_id" in message else {}
        return {"type": "error", "status": status, **error, **lane}

    def _next(self, lane: str | None) -> Turn | None:
        """The turn that waits longest in a lane, which is not waiting any more."""
        turn = next((turn for turn in self._waiting if turn.lane == lane), None)
        if turn is not None:
            self._waiting.remove(turn)
        return turn

    def _steered(self, lane: str | None, response: JsonObject) -> Turn:
        held = self._sizes.get(text(response, "previous_response_id") or "", 0)
        return Turn(asked_model=text(response, "model"), held_tokens=held, lane=lane)

    def _remember(self, turn: Turn, response_id: str | None) -> None:
        if response_id and turn.usage:
            self._sizes[response_id] = turn.usage.input_tokens + turn.usage.output_tokens
            if len(self._sizes) > _MOST_REMEMBERED:
                self._sizes.popitem(last=False)
