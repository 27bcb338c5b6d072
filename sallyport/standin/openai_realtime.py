"""OpenAI Realtime: https://platform.openai.com/docs/api-reference/realtime-server-events.

The sound that a client appends is taken for the text of its bytes; an append of zero bytes alone is the silence by which the
provider hears that the speaker has ended, and answers of itself (unless the session's turn detection is off).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Iterator

from sallyport.standin.family import identifier
from sallyport.standin.openai_errors import error_of
from sallyport.standin.script import Counts, Message, Refusal, Script, text_of, write_script
from sallyport.standin.session import Say, Session
from sallyport.standin.wire import JsonObject, json_object, paced

_ERROR: JsonObject = {
    "type": "error",
    "error": {"type": "server_error", "code": None, "message": "The server had an error.", "param": None, "event_id": None},
}


class RealtimeSession(Session):
    def __init__(self, model: str, say: Say) -> None:
        super().__init__(say)
        self._session: JsonObject = {
            "id": identifier("sess_"),
            "object": "realtime.session",
            "type": "realtime",
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "",
            "audio": {
                "input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": {"type": "server_vad"}},
                "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy"},
            },
            "tools": [],
        }
        self._messages: list[Message] = []
        self._heard = bytearray()
        self._answering: asyncio.Task[None] | None = None
        self._response: JsonObject = {}

    async def begin(self) -> None:
        await self._event("session.created", session=self._session)

    async def end(self) -> None:
        if self._answering:
            self._answering.cancel()

    async def hear(self, message: JsonObject) -> None:
        try:
            await self._act(message)
        except Refusal as refusal:
            error = error_of(refusal)["error"] | {"event_id": message.get("event_id")}
            await self._event("error", error=error)

    async def _act(self, message: JsonObject) -> None:
        match message.get("type"):
            case "session.update":
                self._session |= message["session"]
                await self._event("session.updated", session=self._session)
            case "conversation.item.create":
                await self._add(message["item"])
            case "input_audio_buffer.append":
                await self._listen(base64.b64decode(message["audio"]))
            case "input_audio_buffer.commit":
                await self._commit()
            case "response.create":
                await self._respond(json_object(message, "response"))
            case "response.cancel":
                await self._cancel()
            case other:
                raise Refusal(400, f"Invalid value: '{other}'.", "invalid_value")

    async def _listen(self, sound: bytes) -> None:
        if sound.strip(b"\0"):
            if not self._heard:
                await self._event("input_audio_buffer.speech_started", audio_start_ms=0, item_id=identifier("item_"))
            self._heard += sound
        elif self._heard and json_object(json_object(self._session, "audio"), "input").get("turn_detection"):
            await self._event("input_audio_buffer.speech_stopped", audio_end_ms=100, item_id=identifier("item_"))
            await self._commit()
            await self._respond({})

    async def _commit(self) -> None:
        if not self._heard:
            raise Refusal(400, "Error committing input audio buffer: buffer too small.", "input_audio_buffer_commit_empty")
        said = self._heard.decode("utf-8", "replace")
        self._heard.clear()
        item: JsonObject = {"id": identifier("item_"), "type": "message", "role": "user"}
        await self._event("input_audio_buffer.committed", previous_item_id=None, item_id=item["id"])
        await self._add(item | {"content": [{"type": "input_audio", "transcript": said}]})
        transcription = json_object(json_object(json_object(self._session, "audio"), "input"), "transcription")
        if transcription:
            usage: JsonObject = {"type": "tokens", "total_tokens": 14, "input_tokens": 10, "output_tokens": 4}
            usage["input_token_details"] = {"text_tokens": 0, "audio_tokens": 10}
            kind = "conversation.item.input_audio_transcription.completed"
            await self._event(kind, item_id=item["id"], content_index=0, transcript=said, usage=usage)

    async def _add(self, item: JsonObject) -> None:
        item = {"id": identifier("item_"), "object": "realtime.item", "status": "completed"} | item
        content: list[JsonObject] = item.get("content") or []
        said = "\n".join(part.get("text") or part.get("transcript") or "" for part in content)
        self._messages.append(Message(str(item.get("role", "tool")), said or text_of(item.get("output"))))
        for kind in ("added", "done"):
            await self._event(f"conversation.item.{kind}", previous_item_id=None, item=item)

    async def _respond(self, options: JsonObject) -> None:
        if self._answering and not self._answering.done():
            raise Refusal(
                400, "Conversation already has an active response in progress.", "conversation_already_has_active_response"
            )
        instructions = options.get("instructions") or self._session.get("instructions") or ""
        script = write_script([Message("system", instructions), *self._messages])
        modalities = options.get("output_modalities") or self._session["output_modalities"]
        self._response = {
            "object": "realtime.response",
            "id": identifier("resp_"),
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "conversation_id": identifier("conv_"),
            "output_modalities": modalities,
            "max_output_tokens": "inf",
            "usage": None,
            "metadata": options.get("metadata"),
        }
        self._answering = asyncio.create_task(self._answer(script, self._response))

    async def _answer(self, script: Script, response: JsonObject) -> None:
        async for event in paced(_events(response, script), script, _ERROR):
            await self._event(**event)
        self._messages.append(Message("assistant", script.text))
        await self._event("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 1, "remaining": 1, "reset_seconds": 1}])

    async def _cancel(self) -> None:
        if self._answering is None or self._answering.done():
            raise Refusal(400, "Cancellation failed: no active response found.", "response_cancel_not_active")
        self._answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._answering
        details = {"type": "cancelled", "reason": "client_cancelled"}
        ended: JsonObject = {"status": "cancelled", "status_details": details, "usage": _usage(Counts(3, 1), spoken=False)}
        await self._event("response.done", response=self._response | ended)

    async def _event(self, type: str, **fields: object) -> None:
        await self.say({"type": type, "event_id": identifier("event_"), **fields})


def client_secret(body: JsonObject) -> JsonObject:
    """https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret."""
    return {"value": identifier("ek_"), "expires_at": int(time.time()) + 600, "session": body.get("session") or {}}


def _events(response: JsonObject, script: Script) -> Iterator[JsonObject]:
    spoken = "audio" in response["output_modalities"]
    item: JsonObject = {"id": identifier("item_"), "object": "realtime.item", "type": "message", "role": "assistant"}
    where: JsonObject = {"response_id": response["id"], "item_id": item["id"], "output_index": 0, "content_index": 0}
    part: JsonObject = {"type": "audio", "transcript": script.text} if spoken else {"type": "text", "text": script.text}
    done = item | {"status": "completed", "content": [part]}
    yield {"type": "response.created", "response": response}
    yield {"type": "response.output_item.added", "response_id": response["id"], "output_index": 0, "item": item | {"content": []}}
    yield {"type": "conversation.item.added", "previous_item_id": None, "item": item | {"status": "in_progress", "content": []}}
    yield {"type": "response.content_part.added", **where, "part": part | {"transcript" if spoken else "text": ""}}
    text = "output_audio_transcript" if spoken else "output_text"
    for piece in script.pieces:
        yield {"type": f"response.{text}.delta", **where, "delta": piece}
        if spoken:
            yield {"type": "response.output_audio.delta", **where, "delta": base64.b64encode(bytes(2400)).decode()}
    if spoken:
        yield {"type": "response.output_audio.done", **where}
    yield {"type": f"response.{text}.done", **where, ("transcript" if spoken else "text"): script.text}
    yield {"type": "response.content_part.done", **where, "part": part}
    yield {"type": "response.output_item.done", "response_id": response["id"], "output_index": 0, "item": done}
    yield {"type": "conversation.item.done", "previous_item_id": None, "item": done}
    usage = _usage(script.counts, spoken=spoken) if script.usage else None
    yield {"type": "response.done", "response": response | {"status": "completed", "output": [done], "usage": usage}}


def _usage(counts: Counts, *, spoken: bool) -> JsonObject:
    return {
        "total_tokens": counts.total,
        "input_tokens": counts.input,
        "output_tokens": counts.output,
        "input_token_details": {
            "text_tokens": counts.input,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": counts.cached,
            "cached_tokens_details": {"text_tokens": counts.cached, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {
            "text_tokens": 0 if spoken else counts.output,
            "audio_tokens": counts.output if spoken else 0,
        },
    }
