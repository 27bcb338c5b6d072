"""What a model thinks, in all formats: a provider signs it, and takes it back with the next request unchanged only."""

from __future__ import annotations

from sallyport.providers.base import JsonObject
from sallyport.providers.wire.reading import text

_KEYS = frozenset({"reasoning", "reasoningContent", "reasoning_content", "reasoning_details", "thinking"})
_KINDS = ("reasoning", "redacted_thinking", "response.reasoning", "summary_text", "thinking")


def is_thought(key: str, parent: JsonObject) -> bool:
    """Whether `parent[key]` is one, or a part of one."""
    return key in _KEYS or parent.get("thought") is True or (text(parent, "type") or "").startswith(_KINDS)
