"""Spend over time as stacked bars: the dearest groups each in a colour, all others together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sallyport.spend.ledger import Rollup

_COLOURS = 5
_BAR, _STEP = 8, 10  # widths in the chart's own units


@dataclass(frozen=True, slots=True)
class Bar:
    series: int
    name: str
    at: float
    spend_nano: int
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Step:
    """One interval, for the table that says in words what the chart shows."""

    at: float
    spend_nano: int
    calls: int


@dataclass(frozen=True, slots=True)
class SpendChart:
    """In a box 100 high. `series`: the colours' names, the dearest first; the last may stand for all others."""

    width: int
    bar: int
    bars: list[Bar]
    series: list[str]
    steps: list[Step]
    peak_nano: int


def draw(rows: Sequence[Rollup], start: float, end: float, seconds: int) -> SpendChart:
    """`rows`: of intervals of so many seconds, from `start` until before `end`."""
    totals: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        totals[_name(row)] += row.spend_nano
    dearest = [name for name in sorted(totals, key=lambda name: (-totals[name], name)) if totals[name]][:_COLOURS]
    names = [*dearest, *(["others"] if sum(1 for total in totals.values() if total) > len(dearest) else [])]
    count = max(1, -int((start - end) // seconds))
    spent: list[defaultdict[int, int]] = [defaultdict(int) for _ in range(count)]
    calls = [0] * count
    for row in rows:
        step = int(((row.start or start) - start) // seconds)
        if not 0 <= step < count:
            continue
        name = _name(row)
        spent[step][names.index(name) if name in dearest else len(dearest)] += row.spend_nano
        calls[step] += row.calls
    sums = [sum(step.values()) for step in spent]
    peak = max(sums)
    bars: list[Bar] = []
    for number, step in enumerate(spent):
        top = 100.0
        for series, nano in sorted(step.items()):
            if nano:
                height = round(max(96 * nano / peak, 0.5), 2)
                top = round(top - height, 2)
                bars.append(Bar(series, names[series], start + number * seconds, nano, number * _STEP + 1, top, height))
    steps = [Step(start + number * seconds, total, calls[number]) for number, total in enumerate(sums)]
    return SpendChart(count * _STEP, _BAR, bars, names, steps, peak)


def _name(row: Rollup) -> str:
    return row.name or row.group or "none"
