"""Gemini Live (https://ai.google.dev/api/live), on the Gemini API and on Vertex AI.

`setup` names the model. A turn is started by `clientContent` with `turnComplete` or by a `toolResponse`, or by the provider
when it hears that the speaker has ended; it is over with the provider's `turnComplete`, or when it waits for a tool.
`usageMetadata` is of one turn, with all of the conversation in its prompt: the sum over turns is what Google bills. There are no
words for a refusal, and none to stop a turn: the connection is closed.
"""

from __future__ import annotations

from sallyport.providers.base import JsonObject, Operation
from sallyport.providers.deltas import Delta, Deltas
from sallyport.providers.sockets import Conversation, SocketFormat, Turn
from sallyport.providers.usage import Usage
from sallyport.providers.wire.google_generate import GoogleGenerate, google_usage, text_deltas
from sallyport.providers.wire.reading import generated_chars, obj, objects, text

_GENERATED = frozenset({"text", "code"})
_BYTES_PER_TOKEN = 3
_HEARD_CHARS_PER_TOKEN = 1700
"""A second of what is heard is 25 tokens (https://ai.google.dev/gemini-api/docs/tokens): PCM at 16 kHz, in base64."""


class GoogleLiveMessages(GoogleGenerate):
    """What a client says: the shapes of generateContent, and a few words of its own."""

    name = "google_live"
    protected_keys = GoogleGenerate.protected_keys | {"handle", "voiceName", "voice_name", "languageCode", "language_code"}

    def deltas(self, event: JsonObject) -> Deltas:
        content = obj(event, "serverContent")
        pieces = text_deltas(("written",), objects(obj(content, "modelTurn").get("parts")))
        spoken = obj(content, "outputTranscription")
        if text(spoken, "text") is not None:
            pieces.append(Delta(("spoken",), spoken, "text"))
        over = any(content.get(end) is True for end in ("turnComplete", "generationComplete", "interrupted"))
        return Deltas(tuple(pieces), ((),) if over or "toolCall" in event else ())


class GoogleLive(SocketFormat):
    turn = Operation("live", GoogleLiveMessages(), stream=True)

    def open(self, target: str) -> Conversation:
        return _Live()


class _Live(Conversation):
    """Field names are accepted in camelCase and snake_case, as Google's own JSON reader does."""

    def __init__(self) -> None:
        self._model: str | None = None
        self._waiting: list[Turn] = []
        self._running: Turn | None = None
        self._held = 0
        """Tokens of the conversation: as counted with the last turn, and estimated since."""

    def sent(self, message: JsonObject, size: int) -> Turn | None:
        if model := text(obj(message, "setup"), "model"):
            self._model = model.rpartition("/")[2]
        content = _either(message, "clientContent", "client_content")
        asks = content.get("turnComplete", content.get("turn_complete")) is True
        if asks or _either(message, "toolResponse", "tool_response"):
            turn = Turn(self._model, self._held)
            self._waiting.append(turn)
            return turn
        heard = _either(message, "realtimeInput", "realtime_input")
        self._held += size // (_HEARD_CHARS_PER_TOKEN if heard and "text" not in heard else _BYTES_PER_TOKEN)
        return None

    def received(self, message: JsonObject) -> Turn | None:
        content, calls, usage = obj(message, "serverContent"), obj(message, "toolCall"), obj(message, "usageMetadata")
        if self._running is None:
            if not (calls or usage or "modelTurn" in content or "outputTranscription" in content):
                return None
            self._running = self._waiting.pop(0) if self._waiting else Turn(self._model, self._held)
        turn = self._running
        turn.output_chars += generated_chars(content.get("modelTurn"), _GENERATED)
        turn.output_chars += generated_chars(content.get("outputTranscription"), _GENERATED)
        turn.output_chars += generated_chars(calls, frozenset(), frozenset({"args"}))
        if usage:
            turn.partial = live_usage(usage)
        if content.get("turnComplete") is True or (calls and turn.partial):
            self._end(turn)
        return turn

    def forget(self, turn: Turn) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)

    def _end(self, turn: Turn) -> None:
        self._running = None
        turn.complete, turn.usage = True, turn.partial
        if turn.usage:
            self._held = turn.usage.input_tokens + turn.usage.output_tokens


def live_usage(usage: JsonObject) -> Usage:
    """As `google_usage`; what is made is called response here."""
    names = {"responseTokenCount": "candidatesTokenCount", "responseTokensDetails": "candidatesTokensDetails"}
    return google_usage({names.get(key, key): value for key, value in usage.items()})


def _either(message: JsonObject, name: str, other: str) -> JsonObject:
    return obj(message, name) or obj(message, other)
