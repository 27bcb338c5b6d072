"""Requests and answers as they stand on the wire, where no SDK is in between."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.e2e.support import Gateway

PATHS = {
    "openai": "/openai/v1/chat/completions",
    "fireworks": "/fireworks/inference/v1/chat/completions",
    "baseten": "/baseten/v1/chat/completions",
    "anthropic": "/anthropic/v1/messages",
    "gemini": "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
    "vertex": "/vertex/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent",
    "bedrock": "/bedrock/model/anthropic.claude-haiku-4-5-20251001-v1:0/converse",
}
CHAT = PATHS["openai"]


def message_in(provider: str, answer: httpx2.Response) -> str:
    """The message, read where this provider's SDK looks for it."""
    body: dict[str, Any] = answer.json()
    if provider == "bedrock":
        assert answer.headers["x-amzn-errortype"]
        return body["message"]
    if provider == "anthropic":
        assert body["type"] == "error"
        assert body["error"]["type"]
    elif provider in ("gemini", "vertex"):
        assert body["error"]["code"] == answer.status_code
        assert body["error"]["status"]
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]["message"]


def check(provider: str, answer: httpx2.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    message = message_in(provider, answer)
    for word in words:
        assert word in message
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-gateway-request-id"]


def chat(text: str, **options: Any) -> dict[str, Any]:
    """The body of an OpenAI chat call."""
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **options}


@dataclass(frozen=True, slots=True)
class RawAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def connect(gateway: Gateway, target: str, headers: Mapping[str, str] | None = None) -> RawAnswer:
    """A bare CONNECT, spelled just so; the body only of a refusal."""
    connection = http.client.HTTPConnection(gateway.listen, timeout=10)
    try:
        connection.putrequest("CONNECT", target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"host": target, **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return RawAnswer(answer.status, names, answer.read() if answer.status != 200 else b"")
    finally:
        connection.close()


def placeholders(text: str) -> list[str]:
    """The categories of the placeholders in a text."""
    return re.findall(r"\[SAFE_TO_USE:([A-Z_]+)_[0-9A-Za-z]{8}\]", text)


def none_hold(texts: Iterable[str], where: Iterable[bytes]) -> None:
    for blob in where:
        for text in texts:
            assert text.encode() not in blob
