"""A streamed answer as the one document that it would have been without streaming, in its provider's own shape.

For people who read it later. Nothing here raises, whatever a provider sends: what can't be read is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sallyport.providers.base import JsonObject
from sallyport.providers.whole import anthropic, bedrock, cohere, google, ollama, openai_chat, openai_responses
from sallyport.providers.whole.events import events_of

Fold = Callable[[Sequence[JsonObject]], JsonObject]

_FOLDS: Mapping[str, Fold] = {
    "anthropic_messages": anthropic.fold,
    "bedrock_converse": bedrock.fold_converse,
    "bedrock_invoke": bedrock.fold_invoke,
    "cohere_chat": cohere.fold,
    "google_generate": google.fold,
    "ollama": ollama.fold,
    "openai_chat": openai_chat.fold,
    "openai_responses": openai_responses.fold,
}


def whole_answer(wire: str, media_type: str, data: bytes) -> JsonObject | None:
    """`wire`: the format's name; `media_type`: of the answer, without parameters; `data`: the answer's body, decoded.

    None where there is nothing that a person would read: vectors, pictures, sound.
    """
    fold = _FOLDS.get(wire)
    if fold is None:
        return None
    events = events_of(media_type, data)
    if len(events) == 1 and not media_type.endswith(("event-stream", "eventstream")):
        return events[0]
    try:
        return fold(events) if events else None
    except RecursionError:  # nested as no provider nests
        return None
