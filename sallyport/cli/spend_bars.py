"""Spend as bars in a terminal."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click

from sallyport.cli.output import printable
from sallyport.money import nano_to_usd
from sallyport.spend.ledger import Rollup

_EIGHTHS = " ▏▎▍▌▋▊▉"
_WIDEST_LABEL = 40


def bars(rows: Iterable[Rollup]) -> list[tuple[str, int]]:
    """Label and nano-dollars: an interval's, all groups together, where the rows are of intervals; else a group's."""
    sums: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        sums[row.name or row.group or "-" if row.start is None else _utc(row.start)] += row.spend_nano
    return [*sums.items()]


def show_bars(found: Sequence[tuple[str, int]]) -> None:
    """A line each, as wide as the terminal."""
    if not found:
        click.echo("no calls in this window", err=True)
        return
    labels = [printable(label)[:_WIDEST_LABEL] for label, _ in found]
    amounts = [nano_to_usd(nano) for _, nano in found]
    left, right = max(map(len, labels)), max(map(len, amounts))
    room = max(10, shutil.get_terminal_size().columns - left - right - 4)
    most = max(nano for _, nano in found) or 1
    for label, amount, (_, nano) in zip(labels, amounts, found, strict=True):
        click.echo(f"{label:{left}}  {amount:>{right}}  {_bar(nano, most, room)}".rstrip())


def _bar(nano: int, most: int, room: int) -> str:
    full, eighths = divmod(nano * room * 8 // most, 8)
    return "█" * full + _EIGHTHS[eighths]


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
