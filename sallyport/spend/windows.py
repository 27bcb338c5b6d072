"""Calendar windows in UTC: the hour, the day, the week (from Monday), the month. Times are UTC seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

WINDOWS = ("hourly", "daily", "weekly", "monthly")


def window_start(window: str, at: float) -> float:
    """The first second of the window that holds `at`."""
    return _start(window, at).timestamp()


def window_end(window: str, at: float) -> float:
    """The first second after the window that holds `at`."""
    start = _start(window, at)
    if window == "monthly":
        return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1).timestamp()
    return (start + _LENGTHS[window]).timestamp()


def window_id(window: str, at: float) -> str:
    """The window's name in a counter's key: `2026-11-23T21`, `2026-11-23`, `2026-W48`, `2026-11`."""
    return _start(window, at).strftime(_NAMES[window])


_LENGTHS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
_NAMES = {"hourly": "%Y-%m-%dT%H", "daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m"}


def _start(window: str, at: float) -> datetime:
    moment = datetime.fromtimestamp(at, UTC)
    if window == "hourly":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "daily":
        return day
    if window == "weekly":
        return day - timedelta(days=day.weekday())
    if window == "monthly":
        return day.replace(day=1)
    raise ValueError(f"{window!r} is no window; known are {', '.join(WINDOWS)}")
