from __future__ import annotations

import time

from sallyport.console.figures import Figures, Memo
from tests.sallyport.console.bench import Bench


def test_the_last_hour_by_minute_and_outcome(bench: Bench) -> None:
    minute = time.time() // 60 * 60
    for outcome in ("success", "success", "blocked", "error", "aborted"):
        bench.record(started_at=minute, outcome=outcome)
    bench.record(started_at=minute - 59 * 60)
    bench.record(started_at=minute - 59 * 60 - 0.001)
    hour = Figures(bench.console.store.engine).last_hour()
    assert hour.start == minute - 59 * 60
    assert (hour.minutes[-1].success, hour.minutes[-1].blocked, hour.minutes[-1].failed) == (2, 1, 2)
    assert hour.minutes[0].total == 1
    assert sum(one.total for one in hour.minutes) == 6


def test_totals_leave_other_days_out(bench: Bench) -> None:
    bench.record(started_at=time.time(), cost_nano=3, input_tokens=5)
    bench.record(started_at=time.time() - 40 * 86400, cost_nano=100)
    found = Figures(bench.console.store.engine)
    assert (found.today().spend_nano, found.today().calls, found.today().input_tokens) == (3, 1, 5)
    assert found.month().spend_nano == 3


def test_a_dear_number_is_computed_seldom() -> None:
    clock, computed = [0.0], [0]

    def compute() -> int:
        clock[0] += 2.0
        computed[0] += 1
        return computed[0]

    memo = Memo(compute, clock=lambda: clock[0])
    assert memo.get() == 1
    clock[0] += 19.0
    assert memo.get() == 1
    clock[0] += 1.0
    assert memo.get() == 2
