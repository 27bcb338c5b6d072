"""`model_access`: the only models a subject may use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from policies import fields
from policies.model import SUBJECT_KEYS, Matcher, Policy, PolicyError, Subject
from policies.subjects import check_matchers

NAME = "model_access"
_MOST_PATTERNS = 1000


def validate(config: object, matchers: Sequence[Matcher]) -> dict[str, Any]:
    """The config, checked. An empty `allow` refuses every model. Raises PolicyError."""
    check_matchers(matchers, default=False)
    allow = fields.only(config, ("allow",)).get("allow")
    if not isinstance(allow, Sequence) or isinstance(allow, str):
        raise PolicyError('config.allow: must be a list of patterns such as ["openai/gpt-*", "anthropic/*"]')
    patterns = cast("Sequence[object]", allow)
    if len(patterns) > _MOST_PATTERNS:
        raise PolicyError(f"config.allow: {len(patterns)} patterns are too many; at most {_MOST_PATTERNS} are allowed")
    for number, pattern in enumerate(patterns):
        if not isinstance(pattern, str) or not (pattern == "*" or all(pattern.partition("/"))):
            raise PolicyError(f"config.allow[{number}]: must be PROVIDER/MODEL, where * stands for anything, not {pattern!r}")
    return {"allow": list(patterns)}


def deciding(policies: Sequence[Policy], subject: Subject) -> tuple[Policy, ...]:
    """The policies that say which models `subject` may use: those of the most specific tier that has one (key > user > workspace
    > organization). A header, which the client writes itself, lends no weight: its policy can tighten a tier, never replace one.
    """
    matching = [policy for policy in policies if policy.policy_type == NAME and policy.matches(subject)]
    tier = max(map(_tier, matching), default=0)
    return tuple(policy for policy in matching if _tier(policy) == tier)


def refusing(policies: Sequence[Policy], subject: Subject, provider: str, model: str) -> tuple[Policy, ...]:
    """The policies that forbid `provider`'s `model` to `subject`; empty: it may be used. All that decide must allow it."""
    name = f"{provider}/{model}"
    return tuple(
        policy
        for policy in deciding(policies, subject)
        if not any(matches_pattern(pattern, name) for pattern in policy.config["allow"])
    )


def _tier(policy: Policy) -> int:
    return max((SUBJECT_KEYS.index(matcher.key) for matcher in policy.matchers if matcher.key in SUBJECT_KEYS), default=0)


def matches_pattern(pattern: str, name: str) -> bool:
    """`*` stands for any characters, none too; nothing else is special and case counts."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    *middle, last = rest
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    position, end = len(first), len(name) - len(last)
    for part in middle:
        position = name.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True
