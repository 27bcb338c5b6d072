"""OpenAI's audio (https://platform.openai.com/docs/api-reference/audio), as others speak it too.

A transcription comes as a form. The gpt-4o models count tokens, 10 for a second of sound; others are billed by its length, which
`usage` or `verbose_json` names; as plain text, SRT or VTT an answer names nothing. Speech counts its tokens in a stream of events
only (`speech.audio.done`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import File, Meter, Usage
from sallyport.providers.wire.audio_length import audio_ms
from sallyport.providers.wire.meters import JsonMeter, SseMeter, Uncounted, pick_meter
from sallyport.providers.wire.openai_usage import realtime_usage
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import asked, decode, obj, text
from sallyport.providers.wire.sse import SseEvent

_MS_PER_TOKEN = 100
_MS_PER_WORD = 250
"""Of a transcript's tokens: people say 150 words, 200 tokens, a minute."""
_TOKENS_PER_CHAR = 1.5
"""Of speech: 15 characters are a second, and a second is 21 tokens (a minute costs $0.015 at $12 for a million)."""


class OpenAITranscription(WireFormat):
    name = "openai_transcription"
    protected_keys = PROTECTED | {"chunking_strategy", "include[]", "language", "response_format", "timestamp_granularities[]"}

    def wants_stream(self, body: JsonObject) -> bool:
        return text(body, "stream") in ("true", "True", "1")

    def output_cap(self, body: JsonObject) -> int | None:
        return None

    def estimate(self, body: JsonObject, size: int, files: Sequence[File], *, worst: bool) -> Usage:
        ms = audio_ms(files, worst=worst)
        if "gpt-4o" not in (self.model(body) or ""):
            return Usage(audio_ms=ms)
        heard = -(-ms // _MS_PER_TOKEN)
        said = heard if worst else -(-ms // _MS_PER_WORD)
        return Usage(input_tokens=heard + (size if worst else size // 3), output_tokens=said, input_audio_tokens=heard)

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_transcript), sse=_TranscriptMeter)


class _TranscriptMeter(SseMeter):
    def on_event(self, event: SseEvent) -> bool:
        body = obj(decode(event.data))
        if event.data == b"[DONE]" or body.get("type") in ("transcript.text.done", "error"):
            _read_transcript(self, body)
            self.complete = True
        self.output_chars += len(text(body, "delta") or "")
        return True


def _read_transcript(meter: Meter, document: Any) -> None:
    body = obj(document)
    usage = obj(body, "usage")
    if "input_tokens" in usage:
        meter.usage = realtime_usage(usage)
    elif seconds := asked(usage, "seconds") or asked(body, "duration"):
        meter.usage = Usage(audio_ms=seconds * 1000)


class OpenAISpeech(WireFormat):
    name = "openai_speech"
    protected_keys = PROTECTED | {"response_format", "stream_format", "voice"}

    def wants_stream(self, body: JsonObject) -> bool:
        return body.get("stream_format") == "sse"

    def output_cap(self, body: JsonObject) -> int | None:
        return None

    def estimate(self, body: JsonObject, size: int, files: Sequence[File], *, worst: bool) -> Usage:
        speed = body.get("speed")
        slower = max(1 / speed, 1) if isinstance(speed, int | float) and speed > 0 else 1
        spoken = math.ceil(len(text(body, "input") or "") * _TOKENS_PER_CHAR * min(slower, 4) * (2 if worst else 1))
        return Usage(input_tokens=size if worst else -(-size // 3), output_tokens=spoken)

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=Uncounted, sse=_SpeechMeter)


class _SpeechMeter(SseMeter):
    def on_event(self, event: SseEvent) -> bool:
        body = obj(decode(event.data))
        if body.get("type") in ("speech.audio.done", "error"):
            self.usage = realtime_usage(obj(body, "usage")) if "usage" in body else None
            self.complete = True
        return True
