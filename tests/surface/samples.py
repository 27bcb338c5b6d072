"""A request and its answer in each wire format: 9 tokens are read and 3 are given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

EMAIL = "ada.lovelace@example.com"
TEXT = f"Write to {EMAIL}, please."
BOUNDARY = "surface7MA4YWxk"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Sample:
    request: bytes
    answer: bytes = b"{}"
    content_type: str = _JSON
    """Of the request."""
    counted: bool = True
    """The answer names what it cost."""


def _sample(request: dict[str, Any], answer: dict[str, Any] | None = None) -> Sample:
    return Sample(json.dumps(request).encode(), json.dumps(answer or {}).encode(), counted=answer is not None)


def form(**fields: str) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    return "".join(parts).encode() + file.encode() + bytes(2000) + f"\r\n--{BOUNDARY}--\r\n".encode()


_CHAT_USAGE = {"prompt_tokens": 9, "completion_tokens": 3}
_USAGE = {"input_tokens": 9, "output_tokens": 3}
_MESSAGES = [{"role": "user", "content": TEXT}]
_CONTENTS = [{"role": "user", "parts": [{"text": TEXT}]}]
_CANDIDATE = {"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}
_GOOGLE_USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 3}
_CLAUDE = {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": _MESSAGES}
_FORM = f"multipart/form-data; boundary={BOUNDARY}"

SAMPLES = {
    "openai_chat": _sample({"model": "gpt-4o-mini", "messages": _MESSAGES}, {"choices": [], "usage": _CHAT_USAGE}),
    "openai_responses": _sample({"model": "gpt-5", "input": TEXT}, {"output": [], "usage": _USAGE}),
    "openai_embeddings": _sample({"model": "text-embedding-3-small", "input": TEXT}, {"data": [], "usage": {"prompt_tokens": 9}}),
    "openai_decisions": _sample({"model": "gpt-6-luna", "input": TEXT, "questions": []}, {"answers": [], "usage": _USAGE}),
    "openai_images": _sample({"model": "gpt-image-1", "prompt": TEXT}, {"data": [], "usage": _USAGE}),
    "openai_transcription": Sample(
        form(model="gpt-4o-transcribe", prompt=TEXT), json.dumps({"text": "hi", "usage": _USAGE}).encode(), _FORM
    ),
    "openai_speech": _sample({"model": "gpt-4o-mini-tts", "voice": "alloy", "input": TEXT}),
    "anthropic_messages": _sample(_CLAUDE, {"type": "message", "content": [], "usage": _USAGE}),
    "anthropic_complete": _sample({"model": "claude-2.1", "prompt": TEXT, "max_tokens_to_sample": 10}),
    "inline_batch": _sample(
        {
            "requests": [{"custom_id": "1", "params": _CLAUDE}],
            "batch": {"input_config": {"requests": {"requests": [{"request": {"contents": _CONTENTS}}]}}},
        }
    ),
    "openai_batch": _sample({"input_file_id": "file-1", "endpoint": "/v1/responses", "metadata": {"for": TEXT}}),
    "google_generate": _sample({"contents": _CONTENTS}, {"candidates": [_CANDIDATE], "usageMetadata": _GOOGLE_USAGE}),
    "google_embed": _sample({"content": {"parts": [{"text": TEXT}]}}, {"usageMetadata": {"promptTokenCount": 9}}),
    "google_interactions": _sample(
        {"model": "gemini-2.5-flash", "input": TEXT},
        {"status": "completed", "steps": [], "usage": {"total_input_tokens": 9, "total_output_tokens": 3}},
    ),
    "bedrock_converse": _sample(
        {"messages": [{"role": "user", "content": [{"text": TEXT}]}]}, {"usage": {"inputTokens": 9, "outputTokens": 3}}
    ),
    "bedrock_invoke": _sample({"messages": _MESSAGES, "max_tokens": 10}, {"content": [], "usage": _USAGE}),
}
"""By the wire format's name."""
STORED = _sample({"text": TEXT, "messages": _MESSAGES})
"""What is stored for a model to read later, or asks for what no answer counts."""
FILE = Sample(form(purpose="user_data", note=TEXT), content_type=_FORM)
