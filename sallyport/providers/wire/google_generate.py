"""Google's generateContent and streamGenerateContent (https://ai.google.dev/api/generate-content), on Gemini and Vertex.

`promptTokenCount` includes cached tokens, not the results of tools that Google ran; `candidatesTokenCount` leaves thoughts out.
A stream has no terminal event of its own: it is over when every candidate has its `finishReason`, or the prompt was blocked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Channel, Delta, Deltas
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.ending import continued, sse
from sallyport.providers.wire.json_stream import JsonObjects
from sallyport.providers.wire.meters import SseMeter, pick_meter
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import asked, cap, count, decode, generated_chars, obj, objects, strings, text, total_cap
from sallyport.providers.wire.sse import SseEvent

_GENERATED = frozenset({"text", "code"})
_BILLED_BY_PROMPT = re.compile(r"gemini-[12]\b")


class GoogleGenerate(WireFormat):
    """Field names are accepted in camelCase and snake_case, as Google's own JSON reader does."""

    name = "google_generate"
    envelope: ClassVar[str | None] = None
    """The field in which an answer stands; None: it is the whole document."""
    protected_keys = PROTECTED | {
        "cachedContent",
        "cached_content",
        "data",
        "mimeType",
        "mime_type",
        "responseMimeType",
        "response_mime_type",
        "thoughtSignature",
        "thought_signature",
    }
    user_data_keys = frozenset({"args", "response"})

    def output_cap(self, body: JsonObject) -> int | None:
        config = {**obj(body, "generation_config"), **obj(body, "generationConfig")}
        tokens = cap(config, "maxOutputTokens", "max_output_tokens")
        return total_cap(tokens, asked(config, "candidateCount", "candidate_count"))

    def deltas(self, event: JsonObject) -> Deltas:
        pieces: list[Delta] = []
        ended: list[Channel] = []
        for candidate in objects(event.get("candidates")):
            channel, parts = (count(candidate, "index"),), objects(obj(candidate, "content").get("parts"))
            pieces += text_deltas(channel, parts)
            if candidate.get("finishReason") or any("text" not in part for part in parts):
                ended.append(channel)
        return Deltas(tuple(pieces), tuple(ended))

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=partial(_JsonMeter, self.envelope), sse=partial(_SseMeter, self.envelope))


def text_deltas(channel: Channel, parts: list[JsonObject]) -> list[Delta]:
    """The text of an answer's parts; thoughts are none."""
    return [Delta(channel, part, "text") for part in parts if text(part, "text") is not None and not part.get("thought")]


class _Reader:
    """Reads answer after answer into a meter."""

    def __init__(self, meter: Meter, envelope: str | None) -> None:
        self._meter = meter
        self._envelope = envelope
        self._unfinished: set[int] = set()
        self._queries: set[str] = set()
        self._finished = False

    def read(self, document: JsonObject) -> None:
        meter, answer = self._meter, obj(document, self._envelope) if self._envelope else document
        meter.model = text(answer, "modelVersion") or meter.model
        for candidate in objects(answer.get("candidates")):
            index = count(candidate, "index")
            self._unfinished.add(index)
            if candidate.get("finishReason"):
                self._unfinished.discard(index)
                self._finished = True
            meter.output_chars += generated_chars(candidate.get("content"), _GENERATED, frozenset({"args"}))
            parts = objects(obj(candidate, "content").get("parts"))
            meter.reasoned = meter.reasoned or any(part.get("thought") or "thoughtSignature" in part for part in parts)
            self._queries |= set(strings(obj(candidate, "groundingMetadata").get("webSearchQueries")))
        if usage := obj(answer, "usageMetadata"):
            meter.partial = google_usage(usage)
            meter.partial.web_searches = self._searches(meter.model or "")
        self._finished = self._finished or bool(obj(answer, "promptFeedback").get("blockReason"))

    def _searches(self, model: str) -> int:
        return billed_searches(len(self._queries), model)

    @property
    def over(self) -> bool:
        return self._finished and not self._unfinished

    def last(self, message: str, usage: Usage) -> JsonObject:
        """An answer that finishes every candidate, with `message` as its text."""
        content = {"role": "model", "parts": [{"text": continued(message, self._meter.output_chars > 0)}]}
        counts = {"promptTokenCount": usage.input_tokens, "candidatesTokenCount": usage.output_tokens}
        answer: JsonObject = {
            "candidates": [
                {"content": content, "finishReason": "STOP", "index": index} for index in sorted(self._unfinished or {0})
            ],
            "usageMetadata": counts | {"totalTokenCount": sum(counts.values())},
            "modelVersion": self._meter.model or "unknown",
        }
        return {self._envelope: answer} if self._envelope else answer


class _SseMeter(SseMeter):
    def __init__(self, envelope: str | None) -> None:
        super().__init__()
        self._reader = _Reader(self, envelope)

    def closing(self, message: str, usage: Usage) -> bytes | None:
        return sse(self._reader.last(message, usage))

    def on_event(self, event: SseEvent) -> bool:
        answer = obj(decode(event.data))
        self._reader.read(answer)
        if self._reader.over:
            self.usage = self.partial
        self.failed = self.failed or "error" in answer
        self.complete = self.complete or self._reader.over or self.failed
        return True


class _JsonMeter(Meter):
    """One answer, or an array of them; whole at its last bracket."""

    def __init__(self, envelope: str | None) -> None:
        self._objects = JsonObjects()
        self._reader = _Reader(self, envelope)

    def feed(self, data: bytes) -> bytes:
        for answer in self._objects.feed(data):
            self._reader.read(obj(decode(answer)))
        if self._objects.closed:
            self.complete = True
            self.usage = self.partial
        return data


def billed_searches(queries: int, model: str) -> int:
    """Google bills each query from Gemini 3 on, and before that each prompt (https://ai.google.dev/gemini-api/docs/pricing)."""
    return min(queries, 1) if _BILLED_BY_PROMPT.search(model) else queries


def google_reshapes(name: str, value: str) -> bool:
    """Google's system parameters (https://cloud.google.com/apis/docs/system-parameters) that leave fields out of an answer or
    write it in another format."""
    if name in ("alt", "$alt"):
        return value not in ("json", "sse")
    return name in ("fields", "$fields", "callback", "$callback", "x-goog-fieldmask")


def google_usage(usage: JsonObject) -> Usage:
    thoughts = count(usage, "thoughtsTokenCount")
    return Usage(
        input_tokens=count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount"),
        output_tokens=count(usage, "candidatesTokenCount") + thoughts,
        cache_read_tokens=count(usage, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        input_audio_tokens=_of(usage, "promptTokensDetails", "AUDIO"),
        output_audio_tokens=_of(usage, "candidatesTokensDetails", "AUDIO"),
        input_image_tokens=_of(usage, "promptTokensDetails", "IMAGE"),
        output_image_tokens=_of(usage, "candidatesTokensDetails", "IMAGE"),
        input_video_tokens=_of(usage, "promptTokensDetails", "VIDEO"),
        output_video_tokens=_of(usage, "candidatesTokensDetails", "VIDEO"),
        cache_read_audio_tokens=_of(usage, "cacheTokensDetails", "AUDIO"),
        cache_read_image_tokens=_of(usage, "cacheTokensDetails", "IMAGE"),
    )


def _of(usage: JsonObject, key: str, modality: str) -> int:
    return sum(count(entry, "tokenCount") for entry in objects(usage.get(key)) if entry.get("modality") == modality)
