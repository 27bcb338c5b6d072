"""`rate_limit`: at most so many requests or tokens for a subject in any minute, hour, day, week or month (rolling)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from policies import fields
from policies.model import Matcher, Policy, PolicyError, Subject
from policies.subjects import check_matchers, keys_of, scope_of, subject_field
from sallyport.tracing.record import PolicyRef

NAME = "rate_limit"
DEFAULT_NAME = "default_rate_limit"
METRICS = ("requests", "tokens")
WINDOWS = ("minute", "hour", "day", "week", "month")
"""The last three are ours: for log-ins that a subscription pays for, which no spend cap counts. A month is 30 days."""
LONG_WINDOWS = frozenset({"day", "week", "month"})
_MOST = 10**15


@dataclass(frozen=True, slots=True)
class Limit:
    """One rolling limit that holds for one call."""

    policy: PolicyRef
    field: str
    """Whose requests are counted, as the counters name it (`workspace_id=…`)."""
    scope: str
    metric: Literal["requests", "tokens"]
    window: Literal["minute", "hour", "day", "week", "month"]
    value: int


def validate(config: object, matchers: Sequence[Matcher]) -> dict[str, Any]:
    """The config with every field present. Raises PolicyError."""
    check_matchers(matchers, default=False)
    return validate_config(config)


def validate_config(config: object) -> dict[str, Any]:
    """What rate_limit and default_rate_limit have in common."""
    given = fields.only(config, ("version", "limits"))
    limits = given.get("limits")
    if not isinstance(limits, Sequence) or isinstance(limits, str) or not limits:
        raise PolicyError('config.limits: must be a list such as [{"metric": "requests", "window": "minute", "value": 60}]')
    checked = [_limit(f"config.limits[{number}]", limit) for number, limit in enumerate(cast("Sequence[object]", limits))]
    pairs = [(limit["metric"], limit["window"]) for limit in checked]
    for number, pair in enumerate(pairs):
        if pair in pairs[:number]:
            raise PolicyError(f"config.limits[{number}]: {pair[0]} per {pair[1]} stands twice; give each pair once")
    return {"version": fields.version(given), "limits": checked}


def _limit(where: str, limit: object) -> dict[str, Any]:
    if not isinstance(limit, Mapping) or set(cast("Mapping[str, object]", limit)) != {"metric", "window", "value"}:
        raise PolicyError(f"{where}: must hold metric, window and value and nothing else")
    given = cast("Mapping[str, object]", limit)
    value = given["value"]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise PolicyError(f"{where}.value: must be a whole number of at least 1, not {value!r}")
    return {
        "metric": fields.choice(f"{where}.metric", given["metric"], METRICS),
        "window": fields.choice(f"{where}.window", given["window"], WINDOWS),
        "value": value,
    }


def is_rate_limit(policy: Policy) -> bool:
    return policy.policy_type in (NAME, DEFAULT_NAME)


def limits_for(policies: Sequence[Policy], subject: Subject) -> tuple[Limit, ...]:
    """Every rate limit that holds for `subject`, in the order of `policies`.

    A rate_limit overrides, for each of its metric and window pairs, the default_rate_limit about the same matcher keys.
    """
    matching = [policy for policy in policies if is_rate_limit(policy) and policy.matches(subject)]
    if not matching:
        return ()
    granular = {pair for policy in matching if policy.policy_type == NAME for pair in _pairs(policy)}
    found: list[Limit] = []
    for policy in matching:
        ref, keys = PolicyRef(policy.id, policy.name), keys_of(policy.matchers)
        field, scope = subject_field(policy, subject), scope_of(policy)
        for limit in policy.config["limits"]:
            metric, window = limit["metric"], limit["window"]
            if policy.policy_type == NAME or (keys, metric, window) not in granular:
                found.append(Limit(ref, field, scope, metric, window, limit["value"]))
    return tuple(found)


def _pairs(policy: Policy) -> list[tuple[frozenset[str], str, str]]:
    keys = keys_of(policy.matchers)
    return [(keys, limit["metric"], limit["window"]) for limit in policy.config["limits"]]
