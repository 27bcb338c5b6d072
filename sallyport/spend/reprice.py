"""What calls of the past would be charged by the prices in force in this process: a comparison, which changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session, load_only

from sallyport.spend.ledger import CallFilters
from sallyport.spend.prices import Price, price
from sallyport.spend.recorded_usage import usage_of
from sallyport.store.call_tables import CallRow
from sallyport.store.database import reading

_AT_ONCE = 1000


@dataclass(slots=True)
class Repriced:
    """The calls of one model, in nano-dollars. A passed-through log-in's are not in it: nobody was charged for them."""

    provider: str | None
    model: str | None
    calls: int = 0
    charged_nano: int = 0
    repriced_nano: int = 0
    unpriced: int = 0
    """Calls for which no price is known even now."""
    inexact: int = 0
    """Calls whose record does not say all that was priced: their worker died, or an earlier version recorded them."""

    @property
    def difference_nano(self) -> int:
        return self.repriced_nano - self.charged_nano


def reprice(engine: Engine, filters: CallFilters, at: float | None = None) -> list[Repriced]:
    """By model, dearest first. Each call at the prices of its own time, or all at those of `at` (UTC seconds)."""
    found: dict[tuple[str | None, str | None], Repriced] = {}
    for row in _calls(engine, filters):
        entry = found.setdefault((row.provider, row.model), Repriced(row.provider, row.model))
        entry.calls += 1
        entry.charged_nano += row.cost_nano
        entry.inexact += row.usage is None or not _is_counted(row)
        if not _is_counted(row):
            entry.repriced_nano += row.cost_nano
            continue
        now = _price(row, row.started_at if at is None else at)
        entry.repriced_nano += now.cost_nano
        entry.unpriced += now.unpriced
    return sorted(found.values(), key=lambda entry: (-entry.charged_nano, entry.provider or "", entry.model or ""))


def _price(row: CallRow, at: float) -> Price:
    """As a call is charged when it ends: by the model that was asked for, else by the one that answered."""
    found = price(row.provider or "", row.model or "", usage_of(row), at=at)
    if found.unpriced and row.priced_as:
        return price(row.provider or "", row.priced_as, usage_of(row), at=at)
    return found


def _is_counted(row: CallRow) -> bool:
    return bool(row.input_tokens or row.output_tokens or row.usage)


def _calls(engine: Engine, filters: CallFilters) -> Iterator[CallRow]:
    columns = ("provider", "model", "started_at", "cost_nano", "usage", "priced_as")
    counts = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    used = or_(CallRow.cost_nano > 0, CallRow.input_tokens > 0, CallRow.output_tokens > 0)
    query = (
        select(CallRow)
        .where(*filters.conditions(), CallRow.passthrough.is_(False), used)
        .options(load_only(*(getattr(CallRow, name) for name in (*columns, *counts))))
        .execution_options(yield_per=_AT_ONCE)
    )
    with reading(engine) as connection, Session(connection) as session:
        yield from session.scalars(query)
