"""OpenAI's two ways to count tokens. Both count cached tokens as input and reasoning tokens as output."""

from __future__ import annotations

from sallyport.providers.base import JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.reading import count, obj


def chat_usage(usage: JsonObject, service_tier: str | None = None) -> Usage:
    """`prompt_tokens`, `completion_tokens`: chat completions, completions, embeddings.

    `service_tier` stands in the answer beside its usage: the tier that served, whatever the request asked for.
    xAI and Google leave reasoning out of `completion_tokens`, not of `total_tokens`; DeepSeek names cached input
    `prompt_cache_hit_tokens`. Perplexity's deep research leaves thoughts, sources and searches out of both
    (https://docs.perplexity.ai/getting-started/pricing).
    """
    sent, made = obj(usage, "prompt_tokens_details"), obj(usage, "completion_tokens_details")
    prompt = count(usage, "prompt_tokens")
    answer = max(count(usage, "completion_tokens"), count(usage, "total_tokens") - prompt)
    found = _usage((prompt, answer), sent, made, service_tier)
    found.cache_read_tokens = found.cache_read_tokens or count(usage, "prompt_cache_hit_tokens")
    if "citation_tokens" in usage:
        found.citation_tokens, found.web_searches = count(usage, "citation_tokens"), count(usage, "num_search_queries")
        found.reasoning_tokens = count(usage, "reasoning_tokens")
        found.output_tokens += found.reasoning_tokens
    return found


def responses_usage(usage: JsonObject, service_tier: str | None = None) -> Usage:
    """`input_tokens`, `output_tokens`: responses, images."""
    sent, made = obj(usage, "input_tokens_details"), obj(usage, "output_tokens_details")
    return _usage((count(usage, "input_tokens"), count(usage, "output_tokens")), sent, made, service_tier)


def realtime_usage(usage: JsonObject) -> Usage:
    """`input_tokens`, `output_tokens`, with details under names of their own: Realtime, transcriptions."""
    sent, made = obj(usage, "input_token_details"), obj(usage, "output_token_details")
    return _usage((count(usage, "input_tokens"), count(usage, "output_tokens")), sent, made, None)


def _usage(tokens: tuple[int, int], sent: JsonObject, made: JsonObject, service_tier: str | None) -> Usage:
    input_tokens, output_tokens = tokens
    cached = obj(sent, "cached_tokens_details")
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=count(sent, "cached_tokens"),
        cache_write_tokens=count(sent, "cache_write_tokens"),
        reasoning_tokens=count(made, "reasoning_tokens"),
        input_audio_tokens=count(sent, "audio_tokens"),
        output_audio_tokens=count(made, "audio_tokens"),
        service_tier=service_tier,
        input_image_tokens=count(sent, "image_tokens"),
        output_image_tokens=count(made, "image_tokens"),
        cache_read_audio_tokens=count(cached, "audio_tokens"),
        cache_read_image_tokens=count(cached, "image_tokens"),
    )
