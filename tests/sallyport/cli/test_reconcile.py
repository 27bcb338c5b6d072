"""`spend reconcile`: the counters against the ledger, as an operator sees it."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
import json
import time

import redis

from sallyport.paths import DataDir
from sallyport.spend import keys
from sallyport.spend.ledger import insert_calls
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord
from tests.sallyport.cli.support import Run


def test_drift_is_shown_then_set_right(run: Run, data: DataDir, redis_url: str):
    call = CallRecord("c1", time.time(), organization_id="default", workspace_id="default", cost_nano=1_500_000_000)
    engine = open_database(data.database, migrate=False)
    with writing(engine) as connection:
        insert_calls(connection, [call])
    engine.dispose()
    off = run("spend", "reconcile", "--json", SALLYPORT_REDIS_URL=redis_url)
    assert off.exit_code == 1
    rows = json.loads(off.stdout)
    assert {row["drift_usd"] for row in rows} == {"-1.5"}
    assert {(row["window"], row["subject"]) for row in rows} >= {("daily", "workspace_id=default")}
    repaired = run("spend", "reconcile", "--repair", SALLYPORT_REDIS_URL=redis_url)
    assert repaired.exit_code == 0
    assert f"{len(rows)} counters compared with the ledger, {len(rows)} set right" in repaired.stderr
    with redis.Redis.from_url(redis_url) as client:
        assert client.hget(keys.spend("default", "monthly", time.time()), "organization_id=default") == b"1500000000"
    right = run("spend", "reconcile", SALLYPORT_REDIS_URL=redis_url)
    assert (right.exit_code, right.stdout) == (0, "")
    assert "0 off" in right.stderr
    assert len(json.loads(run("spend", "reconcile", "--all", "--json", SALLYPORT_REDIS_URL=redis_url).stdout)) == len(rows)


def test_without_redis_it_says_so(run: Run):
    failed = run("spend", "reconcile", SALLYPORT_REDIS_URL="redis://127.0.0.1:1")
    assert failed.exit_code == 1
    assert "the counters can't be read" in failed.stderr
