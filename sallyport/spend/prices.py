"""What a call costs, from the price list of `genai-prices` as it is installed: nothing is ever fetched.

A model without a price is never free: it costs what the provider's dearest known model would, and is marked `unpriced`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote

from genai_prices import types
from genai_prices.data import providers as price_list

from sallyport.money import usd_to_nano
from sallyport.providers.base import Usage
from sallyport.spend.rates import Rates, dearest, rates_of

_LISTED_AS = {
    "anthropic": "anthropic",
    "bedrock": "aws",
    "baseten": "baseten",
    "fireworks": "fireworks",
    "gemini": "google",
    "vertex": "google",
    "openai": "openai",
}
"""Our provider names → the price list's. It lists Gemini API and Vertex AI as one, with Anthropic's models on Vertex."""
_GEOGRAPHY = re.compile(r"^[a-z]{2,6}(-[a-z]{2,4})?\.(?=[a-z0-9-]+\.)")
"""`us.`, `apac.`, `us-gov.`: Bedrock's cross-region inference profiles begin so."""
_VERSION = re.compile(r"([@-](\d{8}|\d{4}-\d{2}-\d{2}|default|latest|\d{3}))?(-v\d+)?(:\d+)?(:\d+k)?$")
"""A snapshot's date and version, as the vendors append them: `@20250929`, `-2026-03-05`, `-20250929-v1:0`, `-001`."""


@dataclass(frozen=True, slots=True)
class Price:
    cost_nano: int
    unpriced: bool = False
    """The price list does not know the model: it was charged as the provider's dearest."""


def price(provider: str, model: str | None, usage: Usage, *, at: float) -> Price:
    """The cost of `usage`, rounded half up to the nano-dollar, once. `at`: UTC seconds, for prices that changed.

    `provider` is one of ours (`bedrock`, …); one that is not listed is charged as the dearest of all.
    """
    listed = _rates(provider, model) if model else None
    if listed is not None:
        rates = _in_force(listed, at)
        if rates.cover(usage):
            return Price(usd_to_nano(rates.cost(usage)))
    return Price(usd_to_nano(max(rates.cost(usage) for rates in _dearest(provider))), unpriced=True)


_Listed = tuple[tuple[types.StartDateConstraint | types.TimeOfDateConstraint | None, Rates], ...]


def _in_force(listed: _Listed, at: float) -> Rates:
    """The last price whose condition holds, as the price list defines it; the first when none does."""
    if len(listed) == 1:
        return listed[0][1]
    moment = datetime.fromtimestamp(at, UTC)
    return next((rates for when, rates in reversed(listed) if when is None or when.active(moment)), listed[0][1])


@lru_cache(maxsize=4096)
def _rates(provider: str, model: str) -> _Listed | None:
    vendor = _vendor(provider)
    if vendor is None:
        return None
    for name in _names(provider, model):
        found = vendor.find_model(name, all_providers=price_list)
        if found is not None:
            return _listed(found)
    return None


def _vendor(provider: str) -> types.Provider | None:
    return next((vendor for vendor in price_list if vendor.id == _LISTED_AS.get(provider)), None)


def _listed(model: types.ModelInfo) -> _Listed:
    if isinstance(model.prices, types.ModelPrice):
        return ((None, rates_of(model.prices)),)
    return tuple((entry.constraint, rates_of(entry.prices)) for entry in model.prices)


def _names(provider: str, model: str) -> Iterator[str]:
    """Under which names the price list may know the model, most exact first."""
    name = unquote(model).partition("#")[0]  # Fireworks: MODEL#DEPLOYMENT
    yield name
    if provider == "fireworks":
        yield f"accounts/fireworks/models/{name}"
        return
    if provider == "baseten":
        return
    name = name.rpartition("/")[2]  # an ARN, publishers/anthropic/models/…, models/…
    yield name
    undated = _VERSION.sub("", name)
    yield undated
    if provider == "bedrock":
        yield _GEOGRAPHY.sub("", name)
        yield _GEOGRAPHY.sub("", undated)


@lru_cache(maxsize=16)
def _dearest(provider: str) -> tuple[Rates, ...]:
    """The provider's price rows of which none is dearer than another for every usage."""
    vendor = _vendor(provider)
    vendors = [vendor] if vendor else [v for v in price_list if v.id in _LISTED_AS.values()]
    return dearest(rates for v in vendors for model in v.models for _, rates in _listed(model))
