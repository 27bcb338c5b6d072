"""What a policy may say: accepted configs come back whole, wrong ones are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

import policies
from policies.model import Matcher, PolicyError
from policies.subjects import parse_matchers

WORKSPACE = [Matcher("workspace_id", "w1")]
EVERY_USER = [Matcher("user_id", "")]
CAP = {"window": "daily", "limit_usd": 10}
LIMIT = {"metric": "requests", "window": "minute", "value": 60}


@pytest.mark.parametrize(
    ("policy_type", "config", "matchers", "normal"),
    [
        ("spend_cap", CAP, WORKSPACE, {"limit_usd": "10", "strict": False, "on_store_unavailable": "block", "window": "daily"}),
        (
            "spend_cap",
            {"window": "hourly", "limit_usd": "0.50", "strict": True, "on_store_unavailable": "allow"},
            [],
            {"limit_usd": "0.5", "strict": True, "on_store_unavailable": "allow", "window": "hourly"},
        ),
        (
            "default_spend_cap",
            CAP,
            EVERY_USER,
            {"limit_usd": "10", "strict": False, "on_store_unavailable": "block", "window": "daily"},
        ),
        ("rate_limit", {"limits": [LIMIT]}, WORKSPACE, {"version": 1, "limits": [LIMIT]}),
        ("default_rate_limit", {"version": 1, "limits": [LIMIT]}, EVERY_USER, {"version": 1, "limits": [LIMIT]}),
        ("model_access", {"allow": ["openai/gpt-*", "*"]}, WORKSPACE, {"allow": ["openai/gpt-*", "*"]}),
        (
            "guard",
            {"detect": {"pii": True}},
            WORKSPACE,
            {
                "version": 1,
                "detect": {"pii": True, "secrets": False},
                "timeout_seconds": 2,
                "on_timeout": "allow",
                "on_error": "allow",
                "restore": False,
                "system_prompts": True,
                "direction": "request",
            },
        ),
    ],
)
def test_a_good_config_comes_back_with_every_field(
    policy_type: str, config: dict[str, Any], matchers: list[Matcher], normal: dict[str, Any]
) -> None:
    assert policies.validate(policy_type, config, matchers) == normal
    assert policies.validate(policy_type, normal, matchers) == normal  # what is stored can be sent again


@pytest.mark.parametrize(
    ("limit", "kept"), [(0, "0"), (0.1, "0.1"), ("12.000000001", "12.000000001"), (1e-9, "0.000000001"), ("1e3", "1000")]
)
def test_a_limit_is_kept_exactly(limit: object, kept: str) -> None:
    assert policies.validate("spend_cap", {"window": "daily", "limit_usd": limit}, [])["limit_usd"] == kept


@pytest.mark.parametrize(
    ("policy_type", "config", "named"),
    [
        ("budget", CAP, "policy_type"),
        ("spend_cap", None, "config"),
        ("spend_cap", [], "config"),
        ("spend_cap", {}, "config.window"),
        ("spend_cap", {"window": "yearly", "limit_usd": 1}, "config.window"),
        ("spend_cap", {"window": "daily"}, "config.limit_usd"),
        ("spend_cap", {"window": "daily", "limit_usd": -1}, "config.limit_usd"),
        ("spend_cap", {"window": "daily", "limit_usd": "ten"}, "config.limit_usd"),
        ("spend_cap", {"window": "daily", "limit_usd": True}, "config.limit_usd"),
        ("spend_cap", {"window": "daily", "limit_usd": float("nan")}, "config.limit_usd"),
        ("spend_cap", {"window": "daily", "limit_usd": float("inf")}, "config.limit_usd"),
        ("spend_cap", {"window": "daily", "limit_usd": 1e30}, "config.limit_usd"),
        ("spend_cap", {**CAP, "strict": "yes"}, "config.strict"),
        ("spend_cap", {**CAP, "on_store_unavailable": "shrug"}, "config.on_store_unavailable"),
        ("spend_cap", {**CAP, "limit": 5}, "config.limit:"),
        ("rate_limit", {}, "config.limits"),
        ("rate_limit", {"limits": []}, "config.limits"),
        ("rate_limit", {"limits": [{**LIMIT, "value": 0}]}, "config.limits[0].value"),
        ("rate_limit", {"limits": [{**LIMIT, "value": 1.5}]}, "config.limits[0].value"),
        ("rate_limit", {"limits": [{**LIMIT, "window": "year"}]}, "config.limits[0].window"),
        ("rate_limit", {"limits": [{**LIMIT, "metric": "bytes"}]}, "config.limits[0].metric"),
        ("rate_limit", {"limits": [{**LIMIT, "burst": 3}]}, "config.limits[0]"),
        ("rate_limit", {"limits": [LIMIT, {**LIMIT, "value": 5}]}, "config.limits[1]"),
        ("rate_limit", {"version": 2, "limits": [LIMIT]}, "config.version"),
        ("model_access", {"allow": "openai/*"}, "config.allow"),
        ("model_access", {"allow": ["gpt-4o"]}, "config.allow[0]"),
        ("model_access", {"deny": []}, "config.deny"),
        ("guard", {}, "config.detect"),
        ("guard", {"detect": {"pii": False}}, "config.detect"),
        ("guard", {"detect": {"names": True}}, "config.detect.names"),
        ("guard", {"detect": {"pii": 1}}, "config.detect.pii"),
        ("guard", {"detect": {"pii": True}, "timeout_seconds": 0.05}, "config.timeout_seconds"),
        ("guard", {"detect": {"pii": True}, "timeout_seconds": 31}, "config.timeout_seconds"),
        ("guard", {"detect": {"pii": True}, "timeout_seconds": "2"}, "config.timeout_seconds"),
        ("guard", {"detect": {"pii": True}, "on_timeout": "wait"}, "config.on_timeout"),
        ("guard", {"detect": {"pii": True}, "restore": "yes"}, "config.restore"),
    ],
)
def test_a_wrong_config_is_refused_by_the_name_of_its_field(policy_type: str, config: object, named: str) -> None:
    with pytest.raises(PolicyError) as refused:
        policies.validate(policy_type, config, [])
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("matchers", "named"),
    [
        ([Matcher("team_id", "x")], "subject_matchers[0].key"),
        ([Matcher("workspace_id", "w"), Matcher("header:", "x")], "subject_matchers[1].key"),
        ([Matcher("header:X-Gateway-Team", "x")], "'header:Team'"),
        ([Matcher("workspace_id", "")], "subject_matchers[0].value"),
        ([Matcher("workspace_id", 5)], "subject_matchers[0].value"),  # pyright: ignore[reportArgumentType] - as JSON may hold it
        ([Matcher("header:a-b", "x"), Matcher("header:A.B", "x")], "subject_matchers[1]: 'header:A.B'"),
        ([Matcher("user_id", f"u{number}") for number in range(101)], "at most 100"),
        ([Matcher(f"header:h{number}", "x") for number in range(11)], "at most 10"),
    ],
)
def test_wrong_matchers_are_refused(matchers: list[Matcher], named: str) -> None:
    with pytest.raises(PolicyError) as refused:
        policies.validate("spend_cap", CAP, matchers)
    assert named in str(refused.value)


def test_a_default_policy_needs_an_empty_value() -> None:
    with pytest.raises(PolicyError, match="needs a matcher"):
        policies.validate("default_spend_cap", CAP, WORKSPACE)
    assert policies.validate("default_spend_cap", CAP, [*WORKSPACE, *EVERY_USER])


def test_a_group_can_not_hold_every_subject_too() -> None:
    with pytest.raises(PolicyError, match="give either"):
        policies.validate("default_spend_cap", CAP, [*EVERY_USER, Matcher("user_id", "ada")])


@pytest.mark.parametrize("raw", [None, {}, "x", [1], [{"key": "user_id"}], [{"key": "user_id", "value": "u", "op": "="}]])
def test_matchers_of_a_wrong_shape_are_refused(raw: object) -> None:
    with pytest.raises(PolicyError, match="subject_matchers"):
        parse_matchers(raw)


def test_matchers_are_read_from_json() -> None:
    assert parse_matchers([{"key": "user_id", "value": "u"}]) == (Matcher("user_id", "u"),)
