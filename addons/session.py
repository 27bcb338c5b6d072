"""Which conversation a call belongs to, as its client says: runs of one are shown as a thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from sallyport.providers.base import JsonObject
from sallyport.providers.wire.reading import obj, text

_HEADERS = ("x-claude-code-session-id", "session_id", "session-id", "conversation_id")
"""Of Claude Code, and of Codex over the years."""
_IN_METADATA = ("session_id", "thread_id", "conversation_id")
_IN_BODY = ("prompt_cache_key", "user")
"""Codex names its conversation in the first; many applications name theirs in the second."""
_OF_CLAUDE_CODE = re.compile(r"_session_([0-9a-f-]{36})$")
_LONGEST = 200


def session_of(headers: Mapping[str, str], body: JsonObject | None) -> str | None:
    """What the headers say, else the body: OpenAI's `conversation`, `metadata`, Claude Code's `metadata.user_id`, `user`."""
    named = [headers.get(name) for name in _HEADERS]
    if body is not None:
        metadata = obj(body, "metadata")
        named += [text(metadata, name) for name in _IN_METADATA]
        named.append(_of_claude_code(text(metadata, "user_id") or ""))
        named += [text(body, "conversation"), text(obj(body, "conversation"), "id")]
        named += [text(body, name) for name in _IN_BODY]
    return next((name for name in named if name and len(name) <= _LONGEST and name.isprintable()), None)


def _of_claude_code(user_id: str) -> str | None:
    """`user_…_session_UUID`, or, in newer versions, JSON with `session_id`."""
    if found := _OF_CLAUDE_CODE.search(user_id):
        return found[1]
    try:
        read: Any = orjson.loads(user_id)
    except orjson.JSONDecodeError:
        return None
    return text(obj(read), "session_id")
