"""Where a request has its system prompt, in all formats, and which of it a vendor reads to the letter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sallyport.providers.base import JsonObject
from sallyport.providers.wire.reading import obj, objects, text

_FIELDS = ("system", "instructions", "systemInstruction", "system_instruction")
_AROUND = ("session", "response", "setup")
"""What a WebSocket's messages put around a request's fields."""
_LISTS = ("messages", "input")
_ROLES = ("system", "developer")
_MARK = re.compile(
    r"x-anthropic-billing-header:(?: (?:cc_version=[0-9a-f.]{1,24}|cc_entrypoint=[a-z-]{1,24}|cch=[0-9a-f]{1,12});?)*"
    r"|You are Claude Code, Anthropic's official CLI for Claude\."
)
"""Claude Code's first block: by it Anthropic knows whose subscription pays."""

Slot = tuple[JsonObject | list[Any], Any]
"""`container[key]`."""


def system_prompts(body: JsonObject) -> Iterator[Slot]:
    """All that the developer of an application says, not its user."""
    for around in (body, *(obj(body, name) for name in _AROUND)):
        yield from ((around, name) for name in _FIELDS if name in around)
    messages = [message for name in _LISTS for message in objects(body.get(name))]
    for message in (*messages, obj(body, "item")):
        if message.get("role") in _ROLES and "content" in message:
            yield message, "content"


def vendors_own(body: JsonObject) -> Iterator[Slot]:
    """What must stay byte for byte; nothing else fits the pattern, so nothing hides in it."""
    for block in objects(body.get("system"))[:1]:
        if _MARK.fullmatch(text(block, "text") or ""):
            yield block, "text"
