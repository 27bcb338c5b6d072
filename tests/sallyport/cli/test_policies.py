"""`policies children`: whom a default cap holds for."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
import json
import time

import redis

from sallyport.spend import keys
from tests.sallyport.cli.support import Run


def make(run: Run, policy_type: str, match: str) -> str:
    config = '{"window": "daily", "limit_usd": 2}'
    made = run("policies", "create", "each", "--type", policy_type, "--config", config, "--match", match, "--json")
    return json.loads(made.stdout)["id"]


def test_each_subject_is_shown_with_what_it_has_spent(run: Run, redis_url: str):
    each = make(run, "default_spend_cap", "header:team=")
    with redis.Redis.from_url(redis_url) as client:
        client.set(keys.epoch("default"), 1)
        for subject, nano in (("header:team=blue", 1_500_000_000), ("header:team=red", 7), ("user_id=ada", 3)):
            client.hset(keys.spend("default", "daily", time.time()), subject, nano)
    shown = run("policies", "children", each, SALLYPORT_REDIS_URL=redis_url).stdout.splitlines()
    assert [line.split() for line in shown[1:]] == [["header:team=blue", "1.5", "2"], ["header:team=red", "0.000000007", "2"]]
    top = json.loads(run("policies", "children", each, "--limit", "1", "--json", SALLYPORT_REDIS_URL=redis_url).stdout)
    assert [(child["parent_policy_id"], child["current_spend_usd"]) for child in top] == [(each, "1.5")]


def test_what_has_none_and_what_is_not_known_is_said(run: Run, redis_url: str):
    single = run("policies", "children", make(run, "spend_cap", "header:team=blue"))
    assert (single.exit_code, "only a default_spend_cap has children" in single.stderr) == (2, True)
    each = make(run, "default_spend_cap", "header:team=")
    empty = run("policies", "children", each, SALLYPORT_REDIS_URL=redis_url)
    assert (empty.exit_code, "the counters are not whole yet" in empty.stderr) == (1, True)
