"""`prices`: what a model costs, and why."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from sallyport.cli.commands import BadInput, Command, current_settings
from sallyport.cli.output import json_option, show_json, show_record
from sallyport.money import nano_to_usd
from sallyport.providers import load_providers
from sallyport.providers.usage import Usage
from sallyport.spend.price_file import load_price_file
from sallyport.spend.prices import quote, use_price_file

_RATES = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "audio_output",
    "audio_cache_read",
    "image_input",
    "image_output",
    "image_cache_read",
    "video_input",
    "video_output",
    "reasoning",
    "citations",
)
"""In the order of a row's rates; dollars per million tokens."""
_tokens = click.IntRange(0, 10**12)


@click.command("prices", cls=Command)
@click.argument("model", metavar="PROVIDER/MODEL")
@click.option("--input", "input_tokens", type=_tokens, metavar="N", default=1000, show_default=True, help="All input tokens.")
@click.option("--output", "output_tokens", type=_tokens, metavar="N", default=1000, show_default=True, help="All output tokens.")
@click.option("--cache-read", type=_tokens, metavar="N", default=0, help="Of the input, how many were read from the cache.")
@click.option("--cache-write", type=_tokens, metavar="N", default=0, help="Of the input, how many were written to the cache …")
@click.option("--cache-write-1h", type=_tokens, metavar="N", default=0, help="… and of these, how many for an hour.")
@click.option("--web-searches", type=_tokens, metavar="N", default=0, help="Searches the provider made.")
@click.option("--service-tier", help="As the answer names it: flex, priority, batch.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="On that day (UTC).  [now]")
@json_option
def prices_command(
    model: str,
    input_tokens: int,
    output_tokens: int,
    cache_read: int,
    cache_write: int,
    cache_write_1h: int,
    web_searches: int,
    service_tier: str | None,
    on: datetime | None,
    as_json: bool,
) -> None:
    """What a model costs, and where that price comes from."""
    settings = current_settings()
    providers = load_providers(settings.providers)
    provider, slash, name = model.partition("/")
    if not slash or not name or provider not in providers:
        raise BadInput(f"{model!r} is not PROVIDER/MODEL; the providers are {', '.join(providers)}")
    file = settings.prices
    use_price_file(load_price_file(file) if file else ())
    usage = Usage(
        input_tokens,
        output_tokens,
        cache_read_tokens=cache_read,
        cache_write_tokens=max(cache_write, cache_write_1h),
        cache_write_1h_tokens=cache_write_1h,
        web_searches=web_searches,
        service_tier=service_tier,
    )
    found = quote(provider, name, usage, at=on.replace(tzinfo=UTC).timestamp() if on else time.time())
    row: dict[str, Any] = {
        "provider": provider,
        "model": name,
        "cost_usd": nano_to_usd(found.price.cost_nano),
        "unpriced": found.price.unpriced,
        "source": found.source,
        "service_tier": service_tier if found.tiered else "standard",
    }
    if found.rates is not None:
        row["input_tier"] = _tier(found.rates.start(input_tokens))
        per_million = dict(zip(_RATES, map(_plain, found.rates.at(input_tokens)), strict=True))
        row["usd_per_million_tokens"] = per_million
        search = found.rates.search
        row["usd_per_thousand_searches"] = None if search is None else _plain(search)
        if not as_json:
            row |= {f"{what} $/Mtok": rate for what, rate in row.pop("usd_per_million_tokens").items()}
    if as_json:
        show_json(row)
    else:
        show_record({key.replace("_", " "): value for key, value in row.items()}, as_json=False)


def _tier(start: int) -> str:
    return "any length" if start < 0 else f"more than {start} input tokens"


def _plain(rate: Decimal) -> str:
    return format(rate.normalize(), "f")
