"""What a call costs: by the operator's price file, else by the list of `genai-prices` as installed (nothing is ever fetched).

A model without a price is never free: it costs what the provider's dearest known model would, and is marked `unpriced`; but for
a provider that is the operator's own machine, and declared to be free.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import Literal
from urllib.parse import unquote

from genai_prices import types
from genai_prices.data import providers as price_list

from sallyport.money import usd_to_nano
from sallyport.providers import PROVIDERS
from sallyport.providers.usage import Usage
from sallyport.spend.price_file import OwnPrice
from sallyport.spend.rates import FREE, Rates, dearest, rates_of

_GEOGRAPHY = re.compile(r"^[a-z]{2,6}(-[a-z]{2,4})?\.(?=[a-z0-9-]+\.)")
"""`us.`, `apac.`, `us-gov.`: Bedrock's cross-region inference profiles begin so."""
_VERSION = re.compile(r"([@-](\d{8}|\d{4}-\d{2}-\d{2}|default|latest|\d{3}))?(-v\d+)?(:\d+)?(:\d+k)?$")
"""A snapshot's date and version, as the vendors append them: `@20250929`, `-2026-03-05`, `-20250929-v1:0`, `-001`."""


_PATHS_NAME_MODELS = ("bedrock", "gemini", "vertex", "anthropic", "openai")
"""Whose models may be named by a path, of which the last segment tells."""


_KEPT = ("default", "flex")
"""Service tiers of OpenAI that a call is not lifted out of: `auto` and nothing mean what the project is set to."""


_SOUND_APART = ("openai", "azure")
"""At whose models sound never costs what text does: where the list has no price for it, it is not known."""


_MOST_CONTEXT = 2_097_152
"""Where the list does not say: what the models of the longest context can read."""


@dataclass(frozen=True, slots=True)
class Price:
    cost_nano: int
    unpriced: bool = False
    """No price is known for something that was used: that was charged as the provider's dearest."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A price and why. `source`: where it stands; `rates`: None where the dearest of several rows was charged."""

    price: Price
    source: str
    rates: Rates | None = None
    tiered: bool = False
    """The service tier that was asked for has a price of its own."""


_own: tuple[OwnPrice, ...] = ()


def use_price_file(own: Sequence[OwnPrice]) -> None:
    """From now on, in this process, these prices win over the built-in list. Called once at start."""
    global _own
    _own = tuple(sorted(own, key=lambda entry: entry.rank, reverse=True))
    for cached in (_own_prices, _rates, _dearest):
        cached.cache_clear()


def price(provider: str, model: str | None, usage: Usage, *, at: float) -> Price:
    """The cost of `usage`, rounded half up to the nano-dollar, once. `at`: UTC seconds, for prices that changed.

    `provider` is one of ours (`bedrock`, …); one that is not listed is charged as the dearest of all.
    """
    rates = _rates_at(provider, model, usage.service_tier, at)
    if rates is None or not rates.cover(usage):
        return Price(usd_to_nano(max(rates.cost(usage) for rates in _dearest_for(provider, usage))), unpriced=True)
    if (usage.input_audio_tokens > 0 or usage.output_audio_tokens > 0) and not rates.sound and provider in _SOUND_APART:
        return Price(usd_to_nano(max(rates.cost(usage) for rates in _sounding())), unpriced=True)
    unknown = Decimal(0)
    if usage.web_searches > 0 and rates.search is None and not rates.request:
        unknown += _dearest_search(provider, "search") * usage.web_searches / 1000
    if usage.file_searches > 0 and rates.file_search is None:
        unknown += _dearest_search(provider, "file_search") * usage.file_searches / 1000
    return Price(usd_to_nano(rates.cost(usage) + unknown), unpriced=unknown > 0)


def most(provider: str, model: str | None, usage: Usage, *, at: float) -> int:
    """Nano-dollars that so many tokens can cost, of whatever kind they are: its service tier is the one that was asked for,
    which may be answered in another."""
    tiers = {usage.service_tier, *(() if usage.service_tier in _KEPT else _tiers(provider, model or ""))}
    rows = [_rates_at(provider, model, tier, at) for tier in tiers]
    known = [rates for rates in rows if rates is not None and rates.cover(usage)]
    if len(known) < len(rows):
        known = _dearest_for(provider, usage)
    elif provider in _SOUND_APART and "audio" in (model or "") and not all(rates.sound for rates in known):
        known += _sounding()
    return max(usd_to_nano(rates.most(usage)) for rates in known)


def context_window(provider: str, model: str | None) -> int:
    """The most tokens that the model can read."""
    listed = _listed_model(provider, model) if model else None
    return (listed and listed.context_window) or _MOST_CONTEXT


def quote(provider: str, model: str, usage: Usage, *, at: float) -> Quote:
    """What `price` says, with the reason: for people."""
    found = price(provider, model, usage, at=at)
    own = _own_price(provider, model, at)
    if own is not None:
        return Quote(found, own.source, own.rates)
    rates, listed = _rates_at(provider, model, usage.service_tier, at), _listed_model(provider, model)
    if rates is FREE:
        return Quote(found, f"{provider} is free: the operator's own machine", FREE)
    if rates is None or listed is None or not rates.cover(usage):
        return Quote(found, f"no price is known for it: charged as the dearest that is known of {provider}")
    source = f"genai-prices {version('genai-prices')}, {_listed_as(provider)}/{listed.id}"
    return Quote(found, source, rates, tiered=rates != _rates(provider, model, None, int(at // 60)))


def _rates_at(provider: str, model: str | None, service_tier: str | None, at: float) -> Rates | None:
    own = _own_price(provider, model, at)
    if own is not None:
        return own.rates
    rates = _rates(provider, model, service_tier, int(at // 60)) if model else None
    return FREE if rates is None and provider in PROVIDERS and PROVIDERS[provider].free else rates


def _own_price(provider: str, model: str | None, at: float) -> OwnPrice | None:
    if not _own or not model:
        return None
    return next((entry for entry in _own_prices(provider, model) if entry.since <= at), None)


@lru_cache(maxsize=4096)
def _own_prices(provider: str, model: str) -> tuple[OwnPrice, ...]:
    """The entries that are about the model under any of its names, the one that wins first."""
    names = (*_names(provider, model),)
    return tuple(entry for entry in _own if entry.provider == provider and any(map(entry.matches, names)))


@lru_cache(maxsize=4096)
def _rates(provider: str, model: str, service_tier: str | None, minute: int) -> Rates | None:
    """The listed rates in force in that minute since 1970; a tier that has none of its own costs what the usual one does."""
    listed = _listed_model(provider, model)
    if listed is None:
        return None
    return rates_of(listed.get_prices(datetime.fromtimestamp(minute * 60, UTC), _context(service_tier)))


def _context(service_tier: str | None) -> dict[str, str] | None:
    """The price list's name of a tier."""
    if service_tier is None:
        return None
    return {"processing": "batch"} if service_tier == "batch" else {"service_tier": service_tier}


@lru_cache(maxsize=4096)
def _tiers(provider: str, model: str) -> frozenset[str]:
    """The service tiers in which a single call can be answered (a batch is no such call) that have their own price."""
    listed = _listed_model(provider, model)
    variants = (listed and listed.price_variants) or ()
    return frozenset(variant.when["service_tier"] for variant in variants if "service_tier" in variant.when)


@lru_cache(maxsize=4096)
def _listed_model(provider: str, model: str) -> types.ModelInfo | None:
    vendor = _vendor(provider)
    if vendor is None:
        return None
    found = (vendor.find_model(name, all_providers=price_list) for name in _names(provider, model) if name)
    return next((known for known in found if known is not None), None)


def _vendor(provider: str) -> types.Provider | None:
    return next((vendor for vendor in price_list if vendor.id == _listed_as(provider)), None)


def _listed_as(provider: str) -> str | None:
    return PROVIDERS[provider].listed_as if provider in PROVIDERS else None


def _names(provider: str, model: str) -> Iterator[str]:
    """Under which names the price list may know the model, most exact first."""
    name = unquote(model).partition("#")[0]  # Fireworks: MODEL#DEPLOYMENT
    yield name
    if provider == "fireworks":
        yield f"accounts/fireworks/models/{name}"
        return
    if provider in _PATHS_NAME_MODELS:
        name = name.rpartition("/")[2]  # an ARN, publishers/anthropic/models/…, models/…
        yield name
    elif "/" in name:
        return  # of those who serve others' models, `openai/gpt-oss-120b` is the whole name
    undated = _VERSION.sub("", name)
    yield undated
    if provider == "bedrock":
        yield _GEOGRAPHY.sub("", name)
        yield _GEOGRAPHY.sub("", undated)


def _dearest_for(provider: str, usage: Usage) -> tuple[Rates, ...]:
    """The provider's dearest rows; those of all, where none of its own is about sound, and sound was used."""
    rows = _dearest(provider)
    return _dearest("") if usage.audio_ms > 0 and all(rates.audio_hour is None for rates in rows) else rows


@lru_cache(maxsize=256)
def _dearest(provider: str) -> tuple[Rates, ...]:
    """The provider's price rows of which none is dearer than another for every usage."""
    own = [entry.rates for entry in _own if entry.provider == provider]
    return dearest([*(rates_of(row) for row in _rows(provider)), *own])


@lru_cache(maxsize=1)
def _sounding() -> tuple[Rates, ...]:
    """OpenAI's price rows that name sound."""
    return tuple(rates for row in _rows("openai") if (rates := rates_of(row)).sound)


@lru_cache(maxsize=256)
def _dearest_search(provider: str, kind: Literal["search", "file_search"]) -> Decimal:
    """Dollars per thousand searches."""
    for rows in (_rows(provider), _rows("")):
        known: list[Decimal | None] = [getattr(rates_of(row), kind) for row in rows]
        if dearest_known := max((price or Decimal(0) for price in known), default=Decimal(0)):
            return dearest_known
    return Decimal(0)


def _rows(provider: str) -> Iterator[types.ModelPrice]:
    """All the list has of the provider; of all providers, where it has none."""
    vendor = _vendor(provider)
    known = {one.listed_as for one in PROVIDERS.values()}
    for listed in [vendor] if vendor else [one for one in price_list if one.id in known]:
        for model in listed.models:
            yield from [model.prices] if isinstance(model.prices, types.ModelPrice) else [entry.prices for entry in model.prices]
