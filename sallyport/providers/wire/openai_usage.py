"""OpenAI's two ways to count tokens. Both count cached tokens as input and reasoning tokens as output."""

from __future__ import annotations

from sallyport.providers.base import JsonObject, Usage
from sallyport.providers.wire.reading import count, obj


def chat_usage(usage: JsonObject) -> Usage:
    """`prompt_tokens`, `completion_tokens`: chat completions, completions, embeddings."""
    sent, made = obj(usage, "prompt_tokens_details"), obj(usage, "completion_tokens_details")
    return _usage(count(usage, "prompt_tokens"), count(usage, "completion_tokens"), sent, made)


def responses_usage(usage: JsonObject) -> Usage:
    """`input_tokens`, `output_tokens`: responses, images."""
    sent, made = obj(usage, "input_tokens_details"), obj(usage, "output_tokens_details")
    return _usage(count(usage, "input_tokens"), count(usage, "output_tokens"), sent, made)


def _usage(input_tokens: int, output_tokens: int, sent: JsonObject, made: JsonObject) -> Usage:
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=count(sent, "cached_tokens"),
        cache_write_tokens=count(sent, "cache_write_tokens"),
        reasoning_tokens=count(made, "reasoning_tokens"),
        input_audio_tokens=count(sent, "audio_tokens"),
        output_audio_tokens=count(made, "audio_tokens"),
    )
