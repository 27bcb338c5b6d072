"""What policies decide for a caller."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from policies.guard import guard_for
from policies.model import Matcher, Policy, Subject
from policies.model_access import refusing
from policies.rate_limit import limits_for
from policies.spend_cap import caps_for

SUBJECT = Subject("o", "w", "u", "k", {"team": "blue"})
_numbers = itertools.count()


def make(policy_type: str, config: dict[str, Any], **matchers: str) -> Policy:
    """A policy as the store keeps it; `header_team="x"` stands for the matcher `header:team`."""
    given = tuple(Matcher(key.replace("header_", "header:"), value) for key, value in matchers.items())
    name = f"p{next(_numbers):03}"
    return Policy(name, "o", name, policy_type, "block", given, policies.validate(policy_type, config, given))


def ordered(*given: Policy) -> tuple[Policy, ...]:
    return tuple(sorted(given, key=lambda policy: policy.breadth))


def cap(limit: object, window: str = "daily", kind: str = "spend_cap", **matchers: str) -> Policy:
    return make(kind, {"window": window, "limit_usd": limit}, **matchers)


def test_every_matching_cap_holds_broadest_first() -> None:
    key, everyone = cap(1, api_key_id="k"), cap(3)
    workspace, other = cap(2, workspace_id="w"), cap(9, workspace_id="elsewhere")
    found = caps_for(ordered(key, other, everyone, workspace), SUBJECT)
    assert [(found.field, found.scope, found.limit_nano) for found in found] == [
        ("organization_id=o", "organization", 3_000_000_000),
        ("workspace_id=w", "workspace", 2_000_000_000),
        ("api_key_id=k", "api_key", 1_000_000_000),
    ]


def test_another_organizations_and_disabled_policies_do_not_hold() -> None:
    foreign = Policy("f", "other", "f", "spend_cap", "block", (), cap(1).config)
    off = Policy("d", "o", "d", "spend_cap", "block", (), cap(1).config, enabled=False)
    assert caps_for((foreign, off), SUBJECT) == ()


def test_a_default_cap_holds_for_each_subject_on_its_own() -> None:
    default = cap(5, kind="default_spend_cap", user_id="")
    for user in ("ann", "bob"):
        (found,) = caps_for((default,), Subject("o", "w", user, "k"))
        assert (found.field, found.scope, found.policy.id) == (f"user_id={user}", "user", default.id)
    assert caps_for((default,), Subject("o", "w", None, "k")) == ()  # a service key has no user


def test_a_granular_cap_overrides_the_default_of_its_window_only() -> None:
    both = ordered(cap(5, kind="default_spend_cap", user_id=""), cap(50, kind="default_spend_cap", window="monthly", user_id=""))
    own = cap(100, user_id="u")
    found = caps_for(ordered(*both, own), SUBJECT)
    assert {(cap.window, cap.limit_nano) for cap in found} == {("daily", 100_000_000_000), ("monthly", 50_000_000_000)}
    assert len(caps_for(ordered(*both, own), Subject("o", "w", "bob", "k"))) == 2
    assert {cap.policy.id for cap in caps_for(ordered(*both, own), Subject("o", "w", "bob", "k"))} == {both[0].id, both[1].id}


def test_a_cap_of_another_scope_does_not_override_a_default() -> None:
    default, workspace = cap(5, kind="default_spend_cap", user_id=""), cap(1, workspace_id="w")
    assert len(caps_for(ordered(default, workspace), SUBJECT)) == 2


def test_several_matchers_and_headers_count_as_one_subject() -> None:
    one = cap(1, header_team="blue", workspace_id="w")
    two = cap(2, workspace_id="w", header_Team="blue")
    found = caps_for((one, two), SUBJECT)
    assert [entry.field for entry in found] == ["workspace_id=w&header:team=blue"] * 2
    assert [entry.scope for entry in found] == ["header"] * 2
    assert caps_for((one,), Subject("o", "w", "u", "k", {"team": "Blue"})) == ()


def test_a_header_value_can_not_pass_for_another_subject() -> None:
    sly = cap(1, kind="default_spend_cap", header_team="")
    (found,) = caps_for((sly,), Subject("o", "w", "u", "k", {"team": "x&workspace_id=w"}))
    assert found.field == "header:team=x%26workspace_id%3Dw"


def group(policy_type: str, config: dict[str, Any], *given: tuple[str, str]) -> Policy:
    matchers = tuple(Matcher(key, value) for key, value in given)
    name = f"p{next(_numbers):03}"
    return Policy(name, "o", name, policy_type, "block", matchers, policies.validate(policy_type, config, matchers))


def test_matchers_of_one_key_are_a_group_that_shares_one_budget() -> None:
    users = (("user_id", "u"), ("user_id", "v|w"))
    both = group("spend_cap", {"window": "daily", "limit_usd": 1}, *users)
    pace = group("rate_limit", {"limits": [{"metric": "tokens", "window": "hour", "value": 9}]}, *users)
    for user in ("u", "v|w"):
        (held,), (limit,) = (decide((both, pace), Subject("o", "w", user, "k")) for decide in (caps_for, limits_for))
        assert (held.field, held.scope) == ("user_id=u|v%7Cw", "user")
        assert limit.field == held.field
    assert caps_for((both,), Subject("o", "w", "v", "k")) == ()
    assert caps_for((both,), Subject("o", "w", None, "k")) == ()


def test_a_group_and_another_condition_must_both_hold() -> None:
    narrow = group("spend_cap", {"window": "daily", "limit_usd": 1}, ("user_id", "u"), ("user_id", "v"), ("workspace_id", "w"))
    (held,) = caps_for((narrow,), SUBJECT)
    assert held.field == "workspace_id=w&user_id=u|v"
    assert caps_for((narrow,), Subject("o", "elsewhere", "u", "k")) == ()


def test_a_group_overrides_the_default_of_its_members_only() -> None:
    default = cap(5, kind="default_spend_cap", user_id="")
    own = group("spend_cap", {"window": "daily", "limit_usd": 100}, ("user_id", "u"), ("user_id", "v"))
    assert [held.policy.id for held in caps_for((default, own), SUBJECT)] == [own.id]
    assert [held.policy.id for held in caps_for((default, own), Subject("o", "w", "x", "k"))] == [default.id]


def test_a_group_may_use_its_models() -> None:
    access = group("model_access", {"allow": ["openai/*"]}, ("user_id", "u"), ("user_id", "v"))
    workspace = make("model_access", {"allow": ["*"]}, workspace_id="w")
    assert refusing((access, workspace), SUBJECT, "anthropic", "claude") == (access,)
    assert refusing((access, workspace), Subject("o", "w", "x", "k"), "anthropic", "claude") == ()


def test_a_granular_rate_limit_overrides_the_default_pair_by_pair() -> None:
    pairs = [{"metric": "requests", "window": "minute", "value": 10}, {"metric": "tokens", "window": "hour", "value": 1000}]
    default = make("default_rate_limit", {"limits": pairs}, api_key_id="")
    own = make("rate_limit", {"limits": [{"metric": "requests", "window": "minute", "value": 99}]}, api_key_id="k")
    found = limits_for(ordered(default, own), SUBJECT)
    assert {(limit.metric, limit.window, limit.value, limit.policy.id) for limit in found} == {
        ("requests", "minute", 99, own.id),
        ("tokens", "hour", 1000, default.id),
    }
    assert {limit.value for limit in limits_for(ordered(default, own), Subject("o", "w", "u", "k2"))} == {10, 1000}


@pytest.mark.parametrize(
    ("pattern", "provider", "model", "allowed"),
    [
        ("openai/gpt-*", "openai", "gpt-4o", True),
        ("openai/gpt-*", "openai", "gpt-", True),
        ("openai/gpt-*", "openai", "GPT-4o", False),
        ("openai/gpt-*", "bedrock", "gpt-4o", False),
        ("*", "anthropic", "claude-opus-5", True),
        ("anthropic/claude-*-5", "anthropic", "claude-opus-5", True),
        ("anthropic/claude-*-5", "anthropic", "claude-5", False),
        ("fireworks/*", "fireworks", "accounts/fireworks/models/glm-5p1", True),
        ("openai/gpt-4?", "openai", "gpt-4o", False),
        ("openai/gpt-[45]", "openai", "gpt-4", False),
        ("openai/*4*o*", "openai", "gpt-4-omni", True),
        ("openai/*o*4*", "openai", "gpt-4-x", False),
        ("openai/ab*ba", "openai", "aba", False),
    ],
)
def test_star_is_the_only_wildcard(pattern: str, provider: str, model: str, allowed: bool) -> None:
    policy = make("model_access", {"allow": [pattern]})
    assert (refusing((policy,), SUBJECT, provider, model) == ()) is allowed


@given(st.lists(st.text("ab*", max_size=4), min_size=1, max_size=4), st.text("ab", max_size=6))
def test_wildcards_agree_with_a_regular_expression(parts: list[str], model: str) -> None:
    pattern = "openai/x" + "".join(parts)
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), f"openai/x{model}") is not None
    policy = make("model_access", {"allow": [pattern]})
    assert (refusing((policy,), SUBJECT, "openai", f"x{model}") == ()) is expected


def test_only_the_most_specific_tier_speaks() -> None:
    workspace = make("model_access", {"allow": ["openai/gpt-4o"]}, workspace_id="w")
    key = make("model_access", {"allow": ["anthropic/*"]}, api_key_id="k")
    assert refusing(ordered(workspace, key), SUBJECT, "anthropic", "claude-opus-5") == ()
    assert refusing(ordered(workspace, key), SUBJECT, "openai", "gpt-4o") == (key,)
    assert refusing(ordered(workspace, key), Subject("o", "w", "u", "k2"), "openai", "gpt-4o") == ()


def test_in_one_tier_every_policy_must_allow() -> None:
    one = make("model_access", {"allow": ["openai/*"]}, user_id="u")
    two = make("model_access", {"allow": ["*/gpt-4o"]}, user_id="u")
    assert refusing((one, two), SUBJECT, "openai", "gpt-4o") == ()
    assert refusing((one, two), SUBJECT, "openai", "o3") == (two,)
    assert refusing((one, two), SUBJECT, "bedrock", "o3") == (one, two)


def test_a_header_of_the_clients_own_never_loosens() -> None:
    workspace = make("model_access", {"allow": ["openai/gpt-4o"]}, workspace_id="w")
    header = make("model_access", {"allow": ["*"]}, header_team="blue")
    assert refusing(ordered(workspace, header), SUBJECT, "openai", "o3") == (workspace,)


def test_guards_add_up_to_the_strictest() -> None:
    assert guard_for((), SUBJECT) is None
    secrets = make("guard", {"detect": {"secrets": True}, "timeout_seconds": 10, "on_timeout": "block"})
    pii = make("guard", {"detect": {"pii": True}, "timeout_seconds": 0.5}, workspace_id="w")
    other = make("guard", {"detect": {"pii": True}, "timeout_seconds": 0.1}, workspace_id="elsewhere")
    rule = guard_for(ordered(secrets, pii, other), SUBJECT)
    assert rule is not None
    assert (rule.pii, rule.secrets, rule.timeout_seconds, rule.on_timeout) == (True, True, 0.5, "block")
    assert [ref.id for ref in rule.policies] == [secrets.id, pii.id]
    assert [ref.id for ref in rule.pii_policies] == [pii.id]
    assert [ref.id for ref in rule.secrets_policies] == [secrets.id]
