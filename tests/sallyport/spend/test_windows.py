"""Calendar windows in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.spend import keys
from sallyport.spend.windows import WINDOWS, window_end, window_id, window_start

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC).timestamp())  # noqa: DTZ001


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("window", "moment", "name", "start", "end"),
    [
        ("hourly", "2026-11-23T21:59:59.999999", "2026-11-23T21", "2026-11-23T21:00", "2026-11-23T22:00"),
        ("hourly", "2026-11-23T22:00", "2026-11-23T22", "2026-11-23T22:00", "2026-11-23T23:00"),
        ("daily", "2028-02-28T23:00", "2028-02-28", "2028-02-28", "2028-02-29"),
        ("daily", "2028-02-29T12:00", "2028-02-29", "2028-02-29", "2028-03-01"),
        ("weekly", "2026-11-22T23:59:59", "2026-W47", "2026-11-16", "2026-11-23"),  # Sunday
        ("weekly", "2026-11-23T00:00", "2026-W48", "2026-11-23", "2026-11-30"),  # Monday
        ("weekly", "2027-01-01", "2026-W53", "2026-12-28", "2027-01-04"),
        ("monthly", "2026-12-31T23:59:59", "2026-12", "2026-12-01", "2027-01-01"),
        ("monthly", "2028-02-29", "2028-02", "2028-02-01", "2028-03-01"),
    ],
)
def test_edges(window: str, moment: str, name: str, start: str, end: str) -> None:
    assert window_id(window, at(moment)) == name
    assert (window_start(window, at(moment)), window_end(window, at(moment))) == (at(start), at(end))


@given(TIMES, st.sampled_from(WINDOWS))
def test_windows_follow_each_other_without_gap(moment: float, window: str) -> None:
    start, end = window_start(window, moment), window_end(window, moment)
    assert start <= moment < end
    assert window_start(window, end) == end
    assert window_id(window, start) == window_id(window, end - 0.001) == window_id(window, moment) != window_id(window, end)


@given(TIMES)
def test_keys_name_the_windows_of_their_time(moment: float) -> None:
    names, expire = keys.spend_windows("o", moment)
    assert names == tuple(f"{{o}}:spend:{window}:{window_id(window, moment)}" for window in WINDOWS)
    assert all(when > window_end(window, moment) for window, when in zip(WINDOWS, expire, strict=True))


def test_an_unknown_window_is_named() -> None:
    with pytest.raises(ValueError, match="yearly"):
        window_id("yearly", 0)
