"""Lines of an Ollama stream (https://github.com/ollama/ollama/blob/main/docs/api.md)."""

from __future__ import annotations

from collections.abc import Sequence

from sallyport.providers.base import JsonObject
from sallyport.providers.whole.merging import merge

_GROWS = frozenset({"content", "thinking", "response"})


def fold(events: Sequence[JsonObject]) -> JsonObject:
    answer: JsonObject = {}
    for event in events:
        merge(answer, event, _GROWS)
    return answer
