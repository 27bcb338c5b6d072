"""Answers of streamGenerateContent, each a GenerateContentResponse with the next parts (https://ai.google.dev/api/generate-content)."""

from __future__ import annotations

from collections.abc import Sequence

from sallyport.providers.base import JsonObject
from sallyport.providers.whole.merging import numbered
from sallyport.providers.wire.reading import count, obj, objects, text

_OF_TEXT = frozenset({"text", "thought"})


def fold(events: Sequence[JsonObject]) -> JsonObject:
    whole: JsonObject = {}
    candidates: dict[int, JsonObject] = {}
    parts: dict[int, list[JsonObject]] = {}
    for answer in events:
        whole |= {key: value for key, value in answer.items() if key != "candidates"}
        for candidate in objects(answer.get("candidates")):
            index = count(candidate, "index")
            content = obj(candidate, "content")
            candidates.setdefault(index, {}).update({key: value for key, value in candidate.items() if key != "content"})
            for part in objects(content.get("parts")):
                _add(parts.setdefault(index, []), part)
    for index, candidate in candidates.items():
        candidate["content"] = {"role": "model", "parts": parts.get(index, [])}
    return {**whole, "candidates": numbered(candidates)} if candidates else whole


def _add(parts: list[JsonObject], part: JsonObject) -> None:
    """Text goes on where text of its kind stands last."""
    last = parts[-1] if parts else {}
    more, plain = text(part, "text"), part.keys() <= _OF_TEXT and last.keys() <= _OF_TEXT
    if more is not None and plain and "text" in last and last.get("thought") == part.get("thought"):
        parts[-1] = {**last, "text": (text(last, "text") or "") + more}
    else:
        parts.append(dict(part))
