"""OpenAI Realtime on a WebSocket (https://platform.openai.com/docs/guides/realtime-conversations).

A response is asked for by `response.create`, or begun by the provider when it hears that the speaker has ended;
`response.created` names it, `response.done` has its usage. The conversation stays with the provider and is read again for each.
What a speaker says may be transcribed by another model, which is billed by itself.
"""

from __future__ import annotations

from urllib.parse import parse_qs
from uuid import uuid4

from sallyport.providers.base import JsonObject, Operation
from sallyport.providers.sockets import Conversation, SocketFormat, Turn
from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_realtime import WRITTEN, OpenAIRealtime
from sallyport.providers.wire.openai_usage import realtime_usage
from sallyport.providers.wire.reading import obj, text

_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
_SPOKEN = frozenset({"response.audio.delta", "response.output_audio.delta"})
# https://platform.openai.com/docs/guides/realtime-costs: a token is 100 ms of what the user says, 50 ms of what the model says.
# Of PCM at 24 kHz, which is the most bytes that a format has, in base64:
_HEARD_CHARS_PER_TOKEN = 6400
_SPOKEN_CHARS_PER_TOKEN = 3200
_BYTES_PER_TOKEN = 3


class OpenAIRealtimeSocket(SocketFormat):
    turn = Operation("realtime", OpenAIRealtime(), stream=True)

    def open(self, target: str) -> Conversation:
        models = parse_qs(target.partition("?")[2]).get("model")
        return _Realtime(models[0] if models else None)


class _Realtime(Conversation):
    def __init__(self, model: str | None) -> None:
        self._model = model
        self._transcribes: str | None = None
        """The model that writes down what is said."""
        self._waiting: list[Turn] = []
        self._running: dict[str, Turn] = {}
        self._held = 0
        """Tokens of the conversation: as counted with the last response, and estimated since."""

    def sent(self, message: JsonObject, size: int) -> Turn | None:
        kind = message.get("type")
        if kind != "response.create":
            self._held += size // (_HEARD_CHARS_PER_TOKEN if kind == "input_audio_buffer.append" else _BYTES_PER_TOKEN)
            return None
        apart = obj(message, "response").get("conversation") == "none"
        turn = Turn(self._model, 0 if apart else self._held, asked_by=text(message, "event_id"))
        self._waiting.append(turn)
        return turn

    def received(self, message: JsonObject) -> Turn | None:
        kind, response = text(message, "type") or "", obj(message, "response")
        response_id = text(message, "response_id") or text(response, "id") or ""
        if kind in ("session.created", "session.updated"):
            self._settings(obj(message, "session"))
        elif kind == "response.created":
            return self._created(response_id)
        elif kind == "error":
            return self._failed(obj(message, "error"))
        elif kind == _TRANSCRIBED:
            return self._transcribed(obj(message, "usage"))
        turn = self._running.get(response_id)
        if turn is None:
            return None
        if kind in WRITTEN:
            turn.output_chars += len(text(message, "delta") or "")
        elif kind in _SPOKEN:
            _note_sound(turn, len(text(message, "delta") or ""))
        elif kind == "response.done":
            self._done(turn, response)
        return turn

    def forget(self, turn: Turn) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)

    def refusal(self, message: JsonObject, status: int, error: JsonObject) -> JsonObject:
        told = {**obj(error, "error"), "event_id": message.get("event_id")}
        return {"type": "error", "event_id": f"event_{uuid4().hex}", "error": told}

    def stop(self, turn: Turn) -> JsonObject | None:
        return None if turn.complete else {"type": "response.cancel", "response_id": turn.id}

    def _settings(self, session: JsonObject) -> None:
        self._model = text(session, "model") or self._model
        beta = obj(session, "input_audio_transcription")
        self._transcribes = text(obj(session, "audio", "input", "transcription"), "model") or text(beta, "model")

    def _created(self, response_id: str) -> Turn:
        turn = self._waiting.pop(0) if self._waiting else Turn(self._model, self._held)
        turn.id = response_id
        self._running[response_id] = turn
        return turn

    def _failed(self, error: JsonObject) -> Turn | None:
        """An error names the message that it is about, if that had a name. Should the turn go on after all, it is one more."""
        named = text(error, "event_id")
        turn = next((turn for turn in self._waiting if turn.asked_by == named), None)
        if turn is None:
            return None
        self._waiting.remove(turn)
        turn.status, turn.complete = 400, True
        return turn

    def _transcribed(self, usage: JsonObject) -> Turn | None:
        """None where it is billed by the minute: what a minute costs, no price list here says."""
        if usage.get("type") != "tokens":
            return None
        turn = Turn(self._transcribes)
        turn.usage, turn.complete = realtime_usage(usage), True
        return turn

    def _done(self, turn: Turn, response: JsonObject) -> None:
        self._running.pop(turn.id or "", None)
        turn.complete = True
        if usage := obj(response, "usage"):
            turn.usage = realtime_usage(usage)
            self._held = turn.usage.input_tokens + turn.usage.output_tokens
        elif response.get("status") == "failed" and not turn.output_chars:
            turn.status = 500


def _note_sound(turn: Turn, chars: int) -> None:
    turn.partial = turn.partial or Usage(input_tokens=turn.held_tokens)
    tokens = -(-chars // _SPOKEN_CHARS_PER_TOKEN)
    turn.partial.output_tokens += tokens
    turn.partial.output_audio_tokens += tokens
