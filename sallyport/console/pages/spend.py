"""The page of spend: one window, by whom or what, over its hours or days; and the same as a file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request, Response

from sallyport.console.api.spend import Window, spend_csv
from sallyport.console.auth import PageReader
from sallyport.console.pages.rendering import render
from sallyport.console.pages.spend_chart import draw
from sallyport.spend import ledger
from sallyport.spend.ledger.rollups import SECONDS, Interval
from sallyport.spend.windows import window_end, window_start
from sallyport.store.roles import Scope

router = APIRouter()

_INTERVALS: dict[str, Interval] = {"hourly": "minute", "daily": "hour", "weekly": "day", "monthly": "day"}
_SHOWN = 100
_LATEST = 4_102_444_800.0  # the year 2100: what comes after is no time of ours

GroupBy = Annotated[str, Query(max_length=200)]
At = Annotated[float | None, Query(ge=0, le=_LATEST)]


@dataclass(frozen=True, slots=True)
class Shown:
    """One window, all of it."""

    window: str
    start: float
    end: float

    @classmethod
    def holding(cls, window: str, at: float) -> Shown:
        return cls(window, window_start(window, at), window_end(window, at))

    def filters(self, scope: Scope) -> ledger.CallFilters:
        return ledger.CallFilters(start=self.start, end=self.end, scope=scope)


@router.get("/spend")
def spend_page(
    request: Request,
    admin: PageReader,
    group_by: GroupBy = "model",
    window: Window = "monthly",
    header: Annotated[str, Query(max_length=100)] = "",
    at: At = None,
) -> Response:
    """`header`: what a form asks for; it stands for `group_by=header:…`. `at`: a moment of the window, now by default."""
    group_by = f"header:{header}" if header else group_by
    now = time.time()
    shown = Shown.holding(window, now if at is None else at)
    engine, interval = admin.store.engine, _INTERVALS[window]
    rows = ledger.rollup(engine, group_by, shown.filters(admin.scope))
    series = ledger.rollup(engine, group_by, shown.filters(admin.scope), interval)
    return render(
        request,
        "spend.html",
        rows=rows[:_SHOWN],
        rest=rows[_SHOWN:],
        total=sum(row.spend_nano for row in rows),
        notional=sum(row.notional_nano for row in rows),
        chart=draw(series, shown.start, shown.end, SECONDS[interval]),
        interval=interval,
        group_by=group_by,
        header=group_by.removeprefix("header:") if group_by.startswith("header:") else "",
        groups=ledger.GROUPS,
        windows=get_args(Window),
        shown=shown,
        earlier=str(shown.start - 1) if shown.start > 0 else None,
        later=str(shown.end) if shown.end <= now else None,
    )


@router.get("/spend/csv")
def spend_file(admin: PageReader, group_by: GroupBy = "model", window: Window = "monthly", at: At = None) -> Response:
    """What the page shows, a row for each interval and group."""
    shown, interval = Shown.holding(window, time.time() if at is None else at), _INTERVALS[window]
    rows = ledger.rollup(admin.store.engine, group_by, shown.filters(admin.scope), interval)
    return spend_csv([ledger.rollup_json(row) for row in rows], interval)
