"""The numbers of the overview. Asked for each second by every open page, computed far less often where the ledger is large."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BigInteger, Engine, case, func, select
from sqlalchemy import cast as sql_cast

from sallyport.spend.ledger import CallFilters, rollup
from sallyport.spend.windows import window_start
from sallyport.store.call_tables import CallRow
from sallyport.store.database import reading
from sallyport.store.roles import EVERYTHING, Scope

MINUTES = 60
_FRESH_SECONDS = 0.5
_MOST_SCOPES = 200
_SHARE = 10  # a number is worked on for a tenth of the time at most


@dataclass(frozen=True, slots=True)
class Totals:
    spend_nano: int
    calls: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Minute:
    """Calls of one minute by how they ended; `failed` holds errors and aborted calls."""

    success: int = 0
    blocked: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.success + self.blocked + self.failed


@dataclass(frozen=True, slots=True)
class LastHour:
    start: float
    """UTC seconds: the first minute's beginning."""
    minutes: list[Minute]


class Figures:
    """Of the calls in one scope. Safe to use from many threads."""

    def __init__(self, engine: Engine, scope: Scope = EVERYTHING) -> None:
        self._engine = engine
        self._scope = scope
        self._narrower: dict[Scope, Figures] = {}
        self._today = Memo(lambda: self._totals("daily"))
        self._month = Memo(lambda: self._totals("monthly"))
        self._hour = Memo(self._last_hour)

    def of(self, scope: Scope) -> Figures:
        """The figures of another scope."""
        scope = Scope(scope.workspaces)
        if scope == self._scope:
            return self
        if len(self._narrower) >= _MOST_SCOPES:
            self._narrower.clear()
        return self._narrower.setdefault(scope, Figures(self._engine, scope))

    def today(self) -> Totals:
        return self._today.get()

    def month(self) -> Totals:
        return self._month.get()

    def last_hour(self) -> LastHour:
        return self._hour.get()

    def _totals(self, window: str) -> Totals:
        rows = rollup(self._engine, "organization", CallFilters(start=window_start(window, time.time()), scope=self._scope))
        return Totals(
            sum(row.spend_nano for row in rows),
            sum(row.calls for row in rows),
            sum(row.input_tokens for row in rows),
            sum(row.output_tokens for row in rows),
        )

    def _last_hour(self) -> LastHour:
        start = (time.time() // 60 - (MINUTES - 1)) * 60
        elapsed = (CallRow.started_at - start) / 60
        # A cast cuts off in SQLite but rounds in PostgreSQL; floor() is not in every SQLite.
        minute: Any = sql_cast(elapsed, BigInteger) if self._engine.dialect.name == "sqlite" else func.floor(elapsed)
        kinds = [func.sum(case((CallRow.outcome == outcome, 1), else_=0)) for outcome in ("success", "blocked")]
        query = (
            select(minute, func.count(), *kinds)
            .where(
                CallRow.started_at >= start, CallRow.started_at < start + MINUTES * 60, *self._scope.where(CallRow.workspace_id)
            )
            .group_by(minute)
        )
        minutes = [Minute()] * MINUTES
        with reading(self._engine) as connection:
            for number, total, success, blocked in cast(Any, connection.execute(query)):
                minutes[int(number)] = Minute(int(success), int(blocked), int(total - success - blocked))
        return LastHour(start, minutes)


class Memo[T]:
    """A value that is computed again when it is no longer fresh: half a second, or ten times what computing it took."""

    def __init__(self, compute: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._compute = compute
        self._clock = clock
        self._lock = threading.Lock()
        self._value: T | None = None
        self._until = 0.0

    def get(self) -> T:
        with self._lock:
            started = self._clock()
            if self._value is None or started >= self._until:
                self._value = self._compute()
                done = self._clock()
                self._until = done + max(_FRESH_SECONDS, _SHARE * (done - started))
            return self._value
