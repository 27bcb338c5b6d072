from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import policies
from policies.model import Matcher, Policy
from sallyport.spend.ledger import insert_calls
from sallyport.spend.whatif import replay
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord

DOLLAR = 10**9
DAY = 86400.0
NOON = 20_000 * DAY + DAY / 2


@pytest.fixture
def engine(database: str | Path) -> Engine:
    return open_database(database)


def call(engine: Engine, number: int, at: float, **more: Any) -> None:
    values: dict[str, Any] = {"organization_id": "o", "workspace_id": "w", "user_id": "ada", "api_key_id": "k"}
    values |= {"provider": "openai", "model": "gpt-4o", "cost_nano": DOLLAR, "input_tokens": 90, "output_tokens": 10, **more}
    with writing(engine) as connection:
        insert_calls(connection, [CallRecord(id=f"call-{number}", started_at=at, **values)])


def policy(policy_type: str, config: dict[str, Any], *matchers: Matcher) -> Policy:
    config = policies.validate(policy_type, config, matchers)
    return Policy(policy_type, "o", policy_type, policy_type, "block", matchers, config)


def test_a_cap_would_have_blocked_what_came_after_its_limit(engine: Engine) -> None:
    for number in range(6):
        call(engine, number, NOON + number)
    call(engine, 6, NOON + 6, user_id="eve")
    call(engine, 7, NOON + 7, passthrough=True)
    call(engine, 8, NOON + DAY)
    call(engine, 9, NOON + 9, outcome="blocked")
    cap = policy("spend_cap", {"window": "daily", "limit_usd": 4}, Matcher("user_id", "ada"))
    found = replay(engine, [cap], NOON)
    assert (found.seen, found.calls, found.users) == (9, 2, 1)
    assert [(one.name, one.calls, one.cost_nano) for one in found.by_policy] == [("spend_cap", 2, 2 * DOLLAR)]


def test_what_a_window_held_before_counts(engine: Engine) -> None:
    for number in range(4):
        call(engine, number, NOON + number)
    cap = policy("default_spend_cap", {"window": "daily", "limit_usd": 2}, Matcher("user_id", ""))
    found = replay(engine, [cap], NOON + 1.5)
    assert (found.seen, found.calls) == (2, 2)


def test_rate_limits_and_models(engine: Engine) -> None:
    for number in range(5):
        call(engine, number, NOON + 10 * number, user_id=f"user-{number % 2}")
    call(engine, 5, NOON + 100, model="o3")
    limit = policy("rate_limit", {"version": 1, "limits": [{"metric": "requests", "window": "minute", "value": 3}]})
    access = policy("model_access", {"allow": ["openai/gpt-*"]})
    found = replay(engine, [limit, access], NOON)
    assert (found.calls, found.users) == (3, 3)
    assert {one.name: one.calls for one in found.by_policy} == {"rate_limit": 2, "model_access": 1}
    tokens = policy("rate_limit", {"version": 1, "limits": [{"metric": "tokens", "window": "hour", "value": 250}]})
    assert replay(engine, [tokens], NOON).calls == 3
