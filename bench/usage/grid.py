"""Which kinds of usage the cases cover, by provider and format; and which they must, for its provider counts and prices them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from bench.usage.cases import Case
from sallyport.providers import PROVIDERS
from sallyport.spend.prices import quote
from sallyport.spend.recorded_usage import usage_of
from sallyport.tracing.record import CallRecord

_EVERYWHERE = ("tokens",)
_ANTHROPIC = ("cached", "written", "written for 1 h")
WANTED: Mapping[str, tuple[str, ...]] = {
    "anthropic": (*_ANTHROPIC, "reasoning", "searches", "long context"),
    "bedrock": (*_ANTHROPIC, "long context"),
    "gemini": ("cached", "reasoning", "searches", "long context", "pictures", "sound"),
    "vertex": (*_ANTHROPIC, "reasoning", "searches", "long context", "pictures", "sound"),
    "openai": ("cached", "written", "reasoning", "searches", "long context", "service tier", "pictures", "sound"),
    "fireworks": ("cached",),
    "azure": ("cached",),
    "deepseek": ("cached",),
    "xai": ("cached", "reasoning"),
    "openrouter": ("cached", "written"),
    "perplexity": ("reasoning", "searches"),
}
"""Beside plain tokens; whole and streamed."""
WANTED_WHOLE: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("service tier",),
    "bedrock": ("embeddings",),
    "gemini": ("embeddings",),
    "vertex": ("embeddings",),
    "openai": ("embeddings",),
    "azure": ("embeddings",),
    "mistral": ("embeddings",),
    "cohere": ("embeddings",),
}
"""What is never streamed."""
KINDS = (*_EVERYWHERE, *dict.fromkeys(kind for kinds in (*WANTED.values(), *WANTED_WHOLE.values()) for kind in kinds))
_STREAMS = {"bedrock": "event stream", "ollama": "lines"}
_USUAL_TIERS = (None, "standard", "default")

Row = tuple[Case, CallRecord]
Grid = Mapping[str, Mapping[str, set[str]]]
"""Provider → kind → formats."""


def grid(rows: Iterable[Row]) -> Grid:
    found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for case, record in rows:
        for kind in _kinds(case, record):
            found[case.provider][kind].add(case.format)
    return found


def holes(covered: Grid) -> list[str]:
    """What no case covers and one should."""
    return [
        f"{provider}, {kind}, {format}"
        for provider, kind, format in _wanted()
        if format not in covered.get(provider, {}).get(kind, ())
    ]


def _wanted() -> Iterator[tuple[str, str, str]]:
    for provider in PROVIDERS:
        if provider in ("chatgpt", "codeassist"):  # log-ins' back ends, which OpenAI's and Gemini's cases stand for
            continue
        for kind in (*_EVERYWHERE, *WANTED.get(provider, ())):
            yield provider, kind, "JSON"
            yield provider, kind, _STREAMS.get(provider, "SSE")
        for kind in WANTED_WHOLE.get(provider, ()):
            yield provider, kind, "JSON"


def _kinds(case: Case, record: CallRecord) -> Iterator[str]:
    """What of the record's cost is not plain tokens."""
    usage, model = usage_of(record), record.priced_as or record.model or ""
    why = quote(case.provider, model, usage, at=record.started_at)
    found = {
        "tokens": True,
        "cached": usage.cache_read_tokens,
        "written": usage.cache_write_tokens > usage.cache_write_1h_tokens,
        "written for 1 h": usage.cache_write_1h_tokens,
        "reasoning": usage.reasoning_tokens,
        "searches": usage.web_searches or usage.file_searches,
        "long context": why.rates is not None and why.rates.start(usage.input_tokens) >= 0,
        "service tier": why.tiered and usage.service_tier not in _USUAL_TIERS,
        "pictures": usage.input_image_tokens or usage.output_image_tokens,
        "sound": usage.input_audio_tokens or usage.output_audio_tokens,
        "embeddings": "embed" in case.name,
    }
    return (kind for kind, there in found.items() if there)
