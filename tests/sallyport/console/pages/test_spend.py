"""The page of spend: a chart without a script, the same as a table, and as a file."""

from __future__ import annotations

import re

import httpx2

from sallyport.console.pages.spend_chart import draw
from sallyport.spend.ledger import Rollup
from tests.sallyport.console.bench import Bench

MONDAY = 1_795_392_000.0
"""2026-11-23, 00:00 UTC."""
PAGE = {"group_by": "model", "window": "daily", "at": str(MONDAY)}


async def test_the_chart_and_both_tables_say_the_same(bench: Bench, browser: httpx2.AsyncClient) -> None:
    for hour, model, nano in ((0, "gpt", 2_000_000_000), (5, "gpt", 1_000_000_000), (5, "claude", 3_000_000_000)):
        bench.record(started_at=MONDAY + hour * 3600, model=model, cost_nano=nano)
    bench.record(started_at=MONDAY + 3600, model="claude", cost_nano=7_000_000_000, passthrough=True)
    bench.record(started_at=MONDAY + 86400, model="tomorrow", cost_nano=1)
    text = (await browser.get("/spend", params=PAGE)).text
    assert "$6.00 by hour" in text
    assert "$7.00 that subscriptions paid for" in text
    assert len(re.findall(r'<rect class="s\d"', text)) == 3
    assert "2026-11-23 05:00:00: claude $3.00" in text
    assert re.search(r'<th scope="row"[^>]*>2026-11-23 05:00:00</th><td[^>]*>\$4\.00</td><td[^>]*>2</td>', text)
    assert "tomorrow" not in text
    file = await browser.get("/spend/csv", params=PAGE)
    assert file.headers["content-type"].startswith("text/csv")
    assert "2026-11-23T05:00:00.000000Z,claude,claude,3,0,1,0,0" in file.text


async def test_headers_are_asked_for_by_name(bench: Bench, browser: httpx2.AsyncClient) -> None:
    bench.record(started_at=MONDAY, headers={"team": "<b>blue</b>"}, cost_nano=1)
    text = (await browser.get("/spend", params={"header": "Team", "window": "daily", "at": str(MONDAY)})).text
    assert "&lt;b&gt;blue&lt;/b&gt;" in text
    assert "group_by=header%3ATeam" in text


async def test_many_groups_are_summed_up_on_the_page_and_whole_in_the_file(bench: Bench, browser: httpx2.AsyncClient) -> None:
    for number in range(103):
        bench.record(started_at=MONDAY, model=f"m{number}", cost_nano=10**9)
    text = (await browser.get("/spend", params=PAGE)).text
    assert "3 others" in text
    assert "$103.00" in text
    assert (await browser.get("/spend/csv", params=PAGE)).text.count("\n") == 104


async def test_a_file_is_for_admins_only(bench: Bench) -> None:
    assert (await bench.anyone.get("/spend/csv")).status_code in (303, 401)


def test_bars_stack_up_to_their_sum_and_the_cheap_share_a_colour() -> None:
    rows = [Rollup(f"m{n}", None, n, 1, 0, 0, start=0.0) for n in range(1, 9)]
    chart = draw(rows, 0.0, 7200.0, 3600)
    assert chart.series == ["m8", "m7", "m6", "m5", "m4", "others"]
    assert [bar.spend_nano for bar in chart.bars] == [8, 7, 6, 5, 4, 6]
    assert round(sum(bar.height for bar in chart.bars), 1) == 96
    assert [(step.spend_nano, step.calls) for step in chart.steps] == [(36, 8), (0, 0)]
    assert draw([], 0.0, 60.0, 3600).bars == []
