"""What calls of the past would be charged now: the very sum where nothing changed, and nothing is ever changed by asking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from sallyport.providers.usage import Usage
from sallyport.spend.ledger import CallFilters, insert_calls
from sallyport.spend.price_file import load_price_file
from sallyport.spend.prices import price, use_price_file
from sallyport.spend.recorded_usage import further
from sallyport.spend.reprice import Repriced, reprice
from sallyport.store.call_tables import CallRow
from sallyport.store.database import open_database, reading, writing
from sallyport.tracing.record import CallRecord

NOW = 1_795_435_200.0
"""2026-11-23, 12:00 UTC."""
ALL = CallFilters()


@pytest.fixture
def engine(database: str | Path) -> Iterator[Engine]:
    engine = open_database(database)
    yield engine
    engine.dispose()
    use_price_file(())


def charged(number: int, provider: str, model: str, usage: Usage, **changes: object) -> CallRecord:
    """As `addons/charge.py` records it."""
    own = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    counts = {name: getattr(usage, name) for name in own}
    cost = price(provider, model, usage, at=NOW)
    known = {"provider": provider, "model": model, "usage": further(usage), "cost_nano": cost.cost_nano, **counts, **changes}
    return CallRecord(f"c{number}", NOW, organization_id="o", **known)  # pyright: ignore[reportArgumentType] - of many types


def record(engine: Engine, *calls: CallRecord) -> None:
    with writing(engine) as connection:
        insert_calls(connection, calls)


USAGES = (
    (
        "anthropic",
        "claude-sonnet-4-5",
        Usage(250_000, 900, cache_read_tokens=9000, cache_write_tokens=700, cache_write_1h_tokens=300),
    ),
    ("anthropic", "claude-sonnet-4-5", Usage(1000, 10, web_searches=3)),
    ("openai", "gpt-5", Usage(5000, 700, reasoning_tokens=300, service_tier="flex")),
    ("openai", "gpt-audio", Usage(500, 70, input_audio_tokens=300, output_audio_tokens=30)),
    ("gemini", "gemini-2.5-flash-image", Usage(20, 1290, output_image_tokens=1290)),
)


def test_by_the_same_prices_every_call_costs_what_it_was_charged(engine: Engine) -> None:
    record(engine, *(charged(number, *usage) for number, usage in enumerate(USAGES)))
    found = reprice(engine, ALL)
    assert sum(entry.calls for entry in found) == len(USAGES)
    assert all(entry.charged_nano > 0 for entry in found)
    assert [(entry.difference_nano, entry.inexact) for entry in found] == [(0, 0)] * len(found)


def test_a_price_file_is_tried_without_changing_anything(engine: Engine, tmp_path: Path) -> None:
    record(engine, charged(1, "openai", "gpt-4o", Usage(1_000_000, 0)), charged(2, "openai", "gpt-4o-mini", Usage(1_000_000, 0)))
    file = tmp_path / "prices.toml"
    dates = (("2026-01-01", "2.00"), ("2026-12-01", "1.00"))
    entries = [
        f'[[prices]]\nprovider="openai"\nmodel="gpt-4o"\neffective_from={day}\ninput="{usd}"\noutput="8"' for day, usd in dates
    ]
    file.write_text("\n".join(entries))
    use_price_file(load_price_file(file))
    changed = {entry.model: entry.repriced_nano for entry in reprice(engine, ALL)}
    assert changed["gpt-4o"] == 2 * 10**9
    assert {entry.model: entry.repriced_nano for entry in reprice(engine, ALL, at=NOW + 30 * 86400)}["gpt-4o"] == 10**9
    assert {entry.model: entry.difference_nano for entry in reprice(engine, ALL)}["gpt-4o-mini"] == 0
    with reading(engine) as connection:
        assert connection.scalar(select(CallRow.cost_nano).where(CallRow.id == "c1")) == price_of_the_list()


def price_of_the_list() -> int:
    use_price_file(())
    return price("openai", "gpt-4o", Usage(1_000_000, 0), at=NOW).cost_nano


def test_what_was_priced_by_the_model_that_answered_is_again(engine: Engine) -> None:
    usage = Usage(1000, 10)
    cost = price("openai", "gpt-4o", usage, at=NOW).cost_nano
    record(engine, charged(1, "openai", "my-router", usage, cost_nano=cost, priced_as="gpt-4o"))
    assert reprice(engine, ALL) == [Repriced("openai", "my-router", 1, cost, cost)]


def test_calls_that_do_not_say_what_they_used_keep_their_cost_and_are_counted_apart(engine: Engine) -> None:
    lost = CallRecord("lost", NOW, organization_id="o", provider="openai", model="gpt-4o", cost_nano=77, estimated=True)
    record(engine, lost, charged(1, "openai", "gpt-4o", Usage(1000, 10), passthrough=True))
    record(
        engine, CallRecord("refused", NOW, organization_id="o", outcome="blocked"), charged(2, "openai", "no-such", Usage(9, 9))
    )
    found = {entry.model: entry for entry in reprice(engine, ALL)}
    assert found["gpt-4o"] == Repriced("openai", "gpt-4o", 1, 77, 77, inexact=1)
    assert (found["no-such"].unpriced, found["no-such"].difference_nano) == (1, 0)
    assert set(found) == {"gpt-4o", "no-such"}
