"""OpenAI's images, audio, files and batches: https://platform.openai.com/docs/api-reference/images, …/audio, …/files, …/batch."""

from __future__ import annotations

import time

from starlette.responses import Response

from sallyport.standin.family import identifier
from sallyport.standin.form import read_form
from sallyport.standin.script import Message, Refusal, count_words, write_script
from sallyport.standin.wire import Call, JsonObject, answer, sse

_JSON = "application/json"
_TOKENS_OF_A_PICTURE = 300
_SECOND = 32_000
"""Bytes, of the only sound that it takes: 16-bit WAV of 16 kHz."""


def draw(call: Call, headers: dict[str, str]) -> Response:
    """A picture, made or edited; edits come as JSON or as a form."""
    is_form = call.headers.get("content-type", "").startswith("multipart/")
    fields, files = read_form(call) if is_form else (call.json(), {})
    words, seen = count_words(str(fields.get("prompt", ""))), len(files) * _TOKENS_OF_A_PICTURE
    usage = {
        "input_tokens": words + seen,
        "input_tokens_details": {"text_tokens": words, "image_tokens": seen},
        "output_tokens": _TOKENS_OF_A_PICTURE,
        "total_tokens": words + seen + _TOKENS_OF_A_PICTURE,
    }
    picture = {"created": int(time.time()), "data": [{"b64_json": "iVBORw0KGgo="}], "usage": usage}
    return answer(picture, headers=headers, content_type=_JSON)


def transcribe(call: Call, headers: dict[str, str]) -> Response:
    fields, files = read_form(call)
    if "file" not in files or not fields.get("model"):
        raise Refusal(400, "Missing required parameter.")
    script = write_script([Message("user", fields.get("prompt", ""))])
    seconds = max(1, round(len(files["file"]) / _SECOND))
    if fields.get("response_format") in ("text", "srt", "vtt"):
        return Response(script.text + "\n", headers=headers, media_type="text/plain; charset=utf-8")
    usage: JsonObject = {"type": "duration", "seconds": seconds}
    if fields["model"].startswith("gpt-4o"):
        details = {"text_tokens": 0, "audio_tokens": seconds * 10}
        usage = {"type": "tokens", "input_tokens": seconds * 10, "input_token_details": details, "output_tokens": 11}
        usage["total_tokens"] = usage["input_tokens"] + usage["output_tokens"]
    full = {"text": script.text, "usage": usage}
    if fields.get("stream") != "true":
        return answer(full, script, headers=headers, content_type=_JSON)
    deltas = [{"type": "transcript.text.delta", "delta": piece} for piece in script.pieces]
    events = b"".join(map(sse, [*deltas, full | {"type": "transcript.text.done"}]))
    return Response(events, headers=headers, media_type="text/event-stream; charset=utf-8")


def speak(call: Call, headers: dict[str, str]) -> Response:
    """A tenth of a second of silence, or the same as events."""
    body = call.json()
    if body.get("stream_format") != "sse":
        return Response(bytes(_SECOND // 10), headers=headers, media_type="audio/wav")
    words = count_words(str(body.get("input", "")))
    usage = {"input_tokens": words, "output_tokens": 20, "total_tokens": words + 20}
    events = [{"type": "speech.audio.delta", "audio": "AAAA"}, {"type": "speech.audio.done", "usage": usage}]
    return Response(b"".join(map(sse, events)), headers=headers, media_type="text/event-stream; charset=utf-8")


def keep_file(call: Call, headers: dict[str, str]) -> Response:
    fields, files = read_form(call)
    if "file" not in files or not fields.get("purpose"):
        raise Refusal(400, "'purpose' and 'file' are required properties")
    kept = {"id": identifier("file-"), "object": "file", "bytes": len(files["file"]), "created_at": int(time.time())}
    kept |= {"filename": "upload", "purpose": fields["purpose"], "status": "processed"}
    return answer(kept, headers=headers, content_type=_JSON)


def begin_batch(call: Call, headers: dict[str, str]) -> Response:
    body = call.json()
    if not str(body.get("input_file_id", "")).startswith("file-"):
        raise Refusal(400, "Invalid 'input_file_id'.")
    batch = {"id": identifier("batch_"), "object": "batch", "status": "validating", "created_at": int(time.time())}
    batch |= {key: body.get(key) for key in ("input_file_id", "endpoint", "completion_window")}
    return answer(batch, headers=headers, content_type=_JSON)
