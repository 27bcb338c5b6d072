from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from sallyport.console import redis_client
from sallyport.tracing import rejections


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejections, "_waiting", Counter[str]())


async def test_workers_add_up_and_a_redis_that_is_away_loses_nothing(redis_url: str, tmp_path: Path):
    gone, redis = redis_client.connect(f"unix://{tmp_path}/no.sock"), redis_client.connect(redis_url)
    rejections.count("malformed")
    with pytest.raises((RedisError, OSError)):
        await rejections.publish(gone)
    rejections.count("malformed")
    rejections.count("slow_head")
    for _ in range(2):  # the second has nothing to add
        await rejections.publish(redis)
    rejections.count("slow_head")  # by the other worker
    await rejections.publish(redis)
    assert await rejections.totals(redis) == {"malformed": 2, "slow_head": 2}
    await redis.aclose()
