"""Prices, worked out by hand from the vendors' price lists, to the nano-dollar. 1 $/Mtok is 1000 nano-dollars a token."""

from __future__ import annotations

import time
from decimal import Decimal

import genai_prices
import pytest
from genai_prices import types
from genai_prices.data import providers as price_list
from hypothesis import given
from hypothesis import strategies as st

from sallyport.declaration import Declaration
from sallyport.money import usd_to_nano
from sallyport.providers import PROVIDERS as KNOWN
from sallyport.providers import load_providers
from sallyport.providers.usage import Usage
from sallyport.spend.prices import Price, most, price, quote
from sallyport.spend.rates import rates_of

NOV_2026 = 1_795_435_200.0
PROVIDERS = {
    "anthropic": "anthropic",
    "bedrock": "aws",
    "baseten": "baseten",
    "fireworks": "fireworks",
    "gemini": "google",
    "openai": "openai",
    "vertex": "google",
}


@pytest.mark.parametrize(
    ("provider", "model", "usage", "nano"),
    [
        # $3 in, $15 out: 1000 × 3000 + 500 × 15000
        ("anthropic", "claude-sonnet-4-5-20250929", Usage(1000, 500), 10_500_000),
        # cached read $0.30, write for 5 min $3.75, for 1 h $6: 100 fresh, 600 read, 200 written, 100 of them for 1 h
        (
            "anthropic",
            "claude-sonnet-4-5",
            Usage(900, 10, cache_read_tokens=600, cache_write_tokens=200, cache_write_1h_tokens=100),
            100 * 3000 + 600 * 300 + 100 * 3750 + 100 * 6000 + 10 * 15_000,
        ),
        # above 200,000 input tokens, cached ones included: $6, $22.50, cached $0.60, for all of them
        (
            "anthropic",
            "claude-sonnet-4-5",
            Usage(200_001, 100, cache_read_tokens=200_000),
            1 * 6000 + 200_000 * 600 + 100 * 22_500,
        ),
        ("anthropic", "claude-sonnet-4-5", Usage(200_000, 0), 200_000 * 3000),
        # $2.50, cached $1.25, $10
        ("openai", "gpt-4o-2024-08-06", Usage(1000, 100, cache_read_tokens=400), 600 * 2500 + 400 * 1250 + 100 * 10_000),
        # reasoning tokens are output tokens: $2, $8
        ("openai", "o3", Usage(10, 300, reasoning_tokens=256), 10 * 2000 + 300 * 8000),
        ("openai", "text-embedding-3-small", Usage(1234, 0), 24_680),  # $0.02
        # audio in $32, audio out $64, text $4 and $16
        (
            "openai",
            "gpt-realtime",
            Usage(100, 50, input_audio_tokens=80, output_audio_tokens=40),
            20 * 4000 + 80 * 32_000 + 10 * 16_000 + 40 * 64_000,
        ),
        # $0.30, $2.50, cached $0.03, audio $1
        (
            "gemini",
            "models/gemini-2.5-flash",
            Usage(1000, 100, cache_read_tokens=300, input_audio_tokens=200),
            500 * 300 + 300 * 30 + 200 * 1000 + 100 * 2500,
        ),
        # above 200,000: $2.50 and $15 instead of $1.25 and $10
        ("vertex", "gemini-2.5-pro", Usage(200_001, 10), 200_001 * 2500 + 10 * 15_000),
        ("vertex", "publishers/anthropic/models/claude-haiku-4-5@20251001", Usage(1000, 100), 1000 * 1000 + 100 * 5000),
        # $3.30 and $16.50 in one geography, $3 and $15 worldwide
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", Usage(1000, 100), 1000 * 3300 + 100 * 16_500),
        ("bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", Usage(1000, 100), 1000 * 3000 + 100 * 15_000),
        ("bedrock", "amazon.nova-micro-v1:0", Usage(7, 3, cache_read_tokens=2), 5 * 35 + 18 + 3 * 140),  # 2 × 8.75 = 17.5, up
        (
            "fireworks",
            "accounts/fireworks/models/gpt-oss-120b",
            Usage(1000, 100, cache_read_tokens=500),
            500 * 150 + 500 * 14 + 60_000,
        ),
        ("baseten", "openai/gpt-oss-120b", Usage(1000, 100), 1000 * 100 + 100 * 500),
        # flex is half of $5, $0.50 and $30, priority two and a half times it
        (
            "openai",
            "gpt-5.5",
            Usage(1000, 100, cache_read_tokens=400, service_tier="flex"),
            600 * 2500 + 400 * 250 + 100 * 15_000,
        ),
        ("openai", "gpt-5.5", Usage(1000, 100, service_tier="priority"), 1000 * 12_500 + 100 * 75_000),
        ("openai", "gpt-5.5", Usage(1000, 100, service_tier="default"), 1000 * 5000 + 100 * 30_000),
        # a batch is half of it: $0.50 and $2.50
        ("anthropic", "claude-haiku-4-5", Usage(1000, 100, service_tier="batch"), 1000 * 500 + 100 * 2500),
        ("anthropic", "claude-haiku-4-5", Usage(1000, 100, service_tier="priority"), 1000 * 1000 + 100 * 5000),
        # pictures made: $30 a million, the words beside them $2.50
        ("gemini", "gemini-2.5-flash-image", Usage(10, 1300, output_image_tokens=1290), 10 * 300 + 10 * 2500 + 1290 * 30_000),
        # pictures seen $10, of which cached $2.50; text $5
        (
            "openai",
            "gpt-image-1",
            Usage(100, 50, 40, input_image_tokens=80, output_image_tokens=50, cache_read_image_tokens=40),
            20 * 5000 + 40 * 10_000 + 40 * 2500 + 50 * 40_000,
        ),
        # sound heard $32, cached $0.40, as cached text
        (
            "openai",
            "gpt-realtime",
            Usage(100, 0, 60, input_audio_tokens=90, cache_read_audio_tokens=50),
            40 * 32_000 + 50 * 400 + 10 * 400,
        ),
        # $10 for a thousand searches in the web, $2.50 in files
        (
            "openai",
            "gpt-5",
            Usage(1000, 100, web_searches=2, file_searches=4),
            1000 * 1250 + 100 * 10_000 + 20_000_000 + 10_000_000,
        ),
        # deep research: $2, answers $8, thoughts $3, sources $2, $5 for a thousand searches
        (
            "perplexity",
            "sonar-deep-research",
            Usage(100, 1000, reasoning_tokens=800, citation_tokens=50, web_searches=4),
            100 * 2000 + 200 * 8000 + 800 * 3000 + 50 * 2000 + 20_000_000,
        ),
        # a thousand requests $12, their searches included
        ("perplexity", "sonar", Usage(1000, 100, web_searches=2, citation_tokens=9), 1_100_000 + 12_000_000),
        # $10 for a thousand searches
        ("anthropic", "claude-sonnet-4-5", Usage(1000, 100, web_searches=3), 1000 * 3000 + 100 * 15_000 + 30_000_000),
    ],
)
def test_goldens(provider: str, model: str, usage: Usage, nano: int) -> None:
    assert price(provider, model, usage, at=NOV_2026) == Price(nano)


@pytest.mark.parametrize(
    ("provider", "model", "same_as"),
    [
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-5-20251101-v1:0",
            "us.anthropic.claude-opus-4-5",
        ),
        ("bedrock", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("bedrock", "ca.anthropic.claude-sonnet-4-6", "anthropic.claude-sonnet-4-6"),
        ("bedrock", "us.anthropic.claude-opus-5-20260301-v1:0", "us.anthropic.claude-opus-5"),
        ("bedrock", "amazon.nova-pro-v1%3A0", "amazon.nova-pro-v1:0"),
        ("fireworks", "accounts/fireworks/models/glm-5p1#accounts/acme/deployments/d", "accounts/fireworks/models/glm-5p1"),
        ("vertex", "google/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini", "gemini-2.5-flash-001", "gemini-2.5-flash"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("baseten", "OpenAI/GPT-OSS-120B", "openai/gpt-oss-120b"),
    ],
)
def test_a_model_is_known_under_every_name_its_provider_takes(provider: str, model: str, same_as: str) -> None:
    usage = Usage(1000, 100, cache_read_tokens=10)
    assert price(provider, model, usage, at=NOV_2026) == price(provider, same_as, usage, at=NOV_2026)
    assert not price(provider, model, usage, at=NOV_2026).unpriced


def test_a_price_holds_from_its_day_on() -> None:
    # o3 became five times cheaper on 2025-06-10
    before, after = 1_749_513_599.0, 1_749_513_600.0
    assert price("openai", "o3", Usage(1000, 0), at=before) == Price(10_000_000)
    assert price("openai", "o3", Usage(1000, 0), at=after) == Price(2_000_000)


@pytest.mark.parametrize("provider", [*PROVIDERS, "unheard-of"])
@pytest.mark.parametrize("model", ["model-of-tomorrow", "", None])
def test_an_unknown_model_costs_what_the_dearest_known_one_would(provider: str, model: str | None) -> None:
    listed = {PROVIDERS[provider]} if provider in PROVIDERS else {known.listed_as for known in KNOWN.values()}
    vendors = [vendor for vendor in price_list if vendor.id in listed]
    rows = [rates_of(row) for vendor in vendors for known in vendor.models for row in _rows(known)]
    for usage in (
        Usage(1000, 10),
        Usage(0, 1),
        Usage(250_000, 100, cache_read_tokens=240_000),
        Usage(10, 0, cache_write_tokens=10),
    ):
        dearest = max(usd_to_nano(rates.cost(usage)) for rates in rows)
        assert price(provider, model, usage, at=NOV_2026) == Price(dearest, unpriced=True)
        assert dearest > 0


def _rows(model: types.ModelInfo) -> list[types.ModelPrice]:
    return [model.prices] if isinstance(model.prices, types.ModelPrice) else [entry.prices for entry in model.prices]


def test_a_model_listed_without_a_price_is_not_free() -> None:
    assert price("openai", "moderation", Usage(10, 0), at=NOV_2026) == Price(10 * 150_000, unpriced=True)
    assert price("openai", "text-embedding-3-small", Usage(10, 5), at=NOV_2026).unpriced  # nobody says what its output costs


def test_a_tier_has_its_own_price_from_its_day_on() -> None:
    before = 1_791_763_199.0  # 2026-10-11
    usage = Usage(1000, 0, service_tier="flex")
    assert price("openai", "gpt-5.5", usage, at=before) == Price(5_000_000)
    assert price("openai", "gpt-5.5", usage, at=before + 1) == Price(2_500_000)


def test_a_search_without_a_known_price_is_not_free() -> None:
    found = price("vertex", "claude-sonnet-4-5", Usage(1000, 0, web_searches=2), at=NOV_2026)
    assert found == Price(3_000_000 + 2 * 35_000_000, unpriced=True)  # Google's dearest search is $35 a thousand


def test_sound_without_a_known_price_does_not_cost_what_text_does() -> None:
    # gpt-4o-audio-preview is listed for text alone: as the dearest that hears and speaks, $5, $20 and sound $40, $80
    heard = Usage(100, 50, input_audio_tokens=80, output_audio_tokens=40)
    dearest = 20 * 5000 + 80 * 40_000 + 10 * 20_000 + 40 * 80_000
    assert price("openai", "gpt-4o-audio-preview", heard, at=NOV_2026) == Price(dearest, unpriced=True)
    assert price("openai", "gpt-4o-audio-preview", Usage(100, 50), at=NOV_2026) == Price(100 * 2500 + 50 * 10_000)
    assert most("openai", "gpt-4o-audio-preview", Usage(100, 50), at=NOV_2026) == 100 * 40_000 + 50 * 80_000


@pytest.mark.parametrize(
    ("asked", "nano"), [(None, 12_500), ("auto", 12_500), ("priority", 12_500), ("default", 5000), ("flex", 2500)]
)
def test_the_worst_is_the_dearest_tier_that_may_serve(asked: str | None, nano: int) -> None:
    assert most("openai", "gpt-5.5", Usage(1, 0, service_tier=asked), at=NOV_2026) == nano


def test_the_worst_is_the_dearest_kind_of_token() -> None:
    assert most("openai", "gpt-realtime", Usage(1, 0), at=NOV_2026) == 32_000  # sound
    assert most("gemini", "gemini-2.5-flash-image", Usage(0, 1), at=NOV_2026) == 30_000  # pictures
    assert most("anthropic", "claude-sonnet-4-5", Usage(1, 0), at=NOV_2026) == 3000
    assert most("anthropic", "claude-sonnet-4-5", Usage(1, 0, cache_write_tokens=1), at=NOV_2026) == 6000  # for an hour


def test_nothing_used_costs_nothing() -> None:
    assert price("openai", "gpt-4o", Usage(), at=NOV_2026) == Price(0)
    assert price("openai", "unknown", Usage(), at=NOV_2026) == Price(0, unpriced=True)


counts = st.integers(0, 3_000_000)


tiered = st.sampled_from(
    [("openai", "gpt-4o"), ("openai", "gpt-5.5"), ("anthropic", "claude-sonnet-4-5"), ("vertex", "gemini-2.5-pro")]
)


@given(tiered, counts, counts, counts, counts, counts)
def test_the_same_sum_as_the_price_list_makes(
    which: tuple[str, str], fresh: int, out: int, read: int, written: int, hour: int
) -> None:
    provider, model = which
    usage = Usage(fresh + read + written + hour, out, read, written + hour, hour)
    listed = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=out,
        cache_read_tokens=read,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=hour,
    )
    expected = genai_prices.calc_price(listed, model, provider_id=PROVIDERS[provider]).total_price
    assert price(provider, model, usage, at=time.time()).cost_nano == usd_to_nano(expected)


anything = st.integers(-5, 10**7)


@given(
    st.sampled_from(
        [("openai", "gpt-4o"), ("openai", "?"), ("bedrock", "us.amazon.nova-pro-v1:0"), ("gemini", "gemini-2.5-flash")]
    ),
    st.builds(Usage, anything, anything, anything, anything, anything, anything, anything, anything),
)
def test_counts_that_contradict_each_other_still_cost_something_sensible(which: tuple[str, str], usage: Usage) -> None:
    cost = price(*which, usage, at=NOV_2026).cost_nano
    assert cost >= 0
    assert cost > 0 or (usage.input_tokens <= 0 and usage.output_tokens <= 0)


@given(st.text(max_size=60))
def test_no_model_name_breaks_the_look_up(model: str) -> None:
    for provider in PROVIDERS:
        assert price(provider, model, Usage(1, 1), at=NOV_2026).cost_nano > 0


def test_half_a_nano_dollar_is_rounded_up_once() -> None:
    # $0.075 a million: 75 nano-dollars a token; cached by Nova Micro: 8.75
    assert price("bedrock", "amazon.nova-micro-v1:0", Usage(2, 0, cache_read_tokens=2), at=NOV_2026).cost_nano == 18
    assert usd_to_nano(Decimal("0.0000000175")) == 18


def test_a_price_is_found_fast_enough_for_the_path_of_a_call() -> None:
    usage = Usage(1000, 100, cache_read_tokens=10)
    price("openai", "gpt-4o", usage, at=NOV_2026)
    best = min(_seconds(usage) for _ in range(5))
    assert best / 200 < 50e-6


def _seconds(usage: Usage) -> float:
    started = time.perf_counter()
    for _ in range(200):
        price("openai", "gpt-4o", usage, at=NOV_2026)
    return time.perf_counter() - started


@pytest.mark.parametrize("tier", ["flex", "priority", "fast", "default", "batch", "scale"])
@given(counts, counts, counts)
def test_a_tier_costs_what_the_price_list_makes_of_it(tier: str, fresh: int, out: int, read: int) -> None:
    context = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
    usage = genai_prices.Usage(input_tokens=fresh + read, output_tokens=out, cache_read_tokens=read)
    expected = genai_prices.calc_price(usage, "gpt-5.5", provider_id="openai", price_context=context).total_price
    ours = price("openai", "gpt-5.5", Usage(fresh + read, out, cache_read_tokens=read, service_tier=tier), at=time.time())
    assert ours == Price(usd_to_nano(expected))


@pytest.mark.parametrize(
    ("provider", "model"), [("groq", "llama-3.3-70b-versatile"), ("xai", "grok-4"), ("deepseek", "deepseek-chat")]
)
def test_a_declared_provider_has_its_own_prices(provider: str, model: str) -> None:
    expected = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=1000, output_tokens=100), model, provider_id=KNOWN[provider].listed_as
    ).total_price
    assert price(provider, model, Usage(1000, 100), at=time.time()) == Price(usd_to_nano(expected))


def test_what_is_charged_by_the_request_costs_that_too() -> None:
    # sonar: $1 in, $1 out, $12 a thousand requests
    assert price("perplexity", "sonar", Usage(1000, 100), at=NOV_2026) == Price(1_100_000 + 12_000_000)


def test_what_others_serve_is_known_by_its_whole_name_alone() -> None:
    """`someone/gpt-4o` is not OpenAI's gpt-4o."""
    assert price("openrouter", "someone/gpt-4o", Usage(1000, 100), at=NOV_2026).unpriced
    assert price("together", "someone/gpt-4o", Usage(1000, 100), at=NOV_2026).unpriced


def test_only_the_operators_own_machine_is_free() -> None:
    assert price("ollama", "llama3.2", Usage(1000, 100), at=NOV_2026) == Price(0)
    assert quote("vllm", "m", Usage(1000, 100), at=NOV_2026).source == "vllm is free: the operator's own machine"
    acme = Declaration.model_validate({"secret": "ACME_KEY", "wire_formats": {"/v1": "openai"}})
    try:
        load_providers({"acme": acme})
        assert price("acme", "m", Usage(1000, 100), at=NOV_2026).unpriced
        assert price("acme", "m", Usage(1000, 100), at=NOV_2026).cost_nano > 0
    finally:
        load_providers()


@pytest.mark.parametrize(
    ("provider", "model", "nano"), [("openai", "whisper-1", 6_000_000), ("openai", "gpt-transcribe", 4_500_000)]
)
def test_sound_is_billed_by_its_length_where_it_has_no_tokens(provider: str, model: str, nano: int):
    assert price(provider, model, Usage(audio_ms=60_000), at=time.time()) == Price(nano)


@pytest.mark.parametrize("provider", ["openai", "fireworks"])
def test_sound_of_no_known_price_is_not_free(provider: str):
    unknown = price(provider, "whisper-of-tomorrow", Usage(audio_ms=60_000), at=time.time())
    assert unknown.unpriced
    assert unknown.cost_nano > 0
