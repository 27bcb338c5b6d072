"""`spend_cap`: at most so many dollars for a subject in a UTC calendar window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from policies import fields
from policies.model import SUBJECT_KEYS, Matcher, Policy, PolicyError, Subject
from policies.subjects import check_matchers, keys_of, scope_of, subject_field
from sallyport.money import nano_to_usd, usd_to_nano
from sallyport.tracing.record import PolicyRef

NAME = "spend_cap"
DEFAULT_NAME = "default_spend_cap"
WINDOWS = ("hourly", "daily", "weekly", "monthly")
_ALERT_AT = (50, 80, 100)
_MOST_ALERTS = 10
_MOST_SUBJECTS = 100_000
UNAVAILABLE = ("block", "allow", "lease")
"""What becomes of calls while spend can't be checked."""
_MOST_NANO = 9_000_000_000 * 1_000_000_000
"""Counters are signed 64-bit integers."""


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit that holds for one call."""

    policy: PolicyRef
    field: str
    """Whose spend is counted, as the counters name it (`workspace_id=…`)."""
    scope: str
    window: str
    limit_nano: int
    strict: bool
    on_store_unavailable: Literal["block", "allow", "lease"]
    most: int = 0
    """A subject that is new is refused while so many are counted in the window; 0: however many. Callers write their headers
    themselves, and must not fill the store with values."""


def validate(config: object, matchers: Sequence[Matcher]) -> dict[str, Any]:
    """The config with every field present; `limit_usd` becomes an exact decimal string. Raises PolicyError."""
    check_matchers(matchers, default=False)
    return validate_config(config)


def validate_config(config: object) -> dict[str, Any]:
    """What spend_cap and default_spend_cap have in common."""
    given = fields.only(config, ("window", "limit_usd", "strict", "on_store_unavailable", "alert_at"))
    return {
        "window": fields.choice("config.window", given.get("window", fields.REQUIRED), WINDOWS),
        "limit_usd": _limit(given.get("limit_usd", fields.REQUIRED)),
        "strict": fields.boolean("config.strict", given.get("strict", False)),
        "on_store_unavailable": fields.choice(
            "config.on_store_unavailable", given.get("on_store_unavailable", "block"), UNAVAILABLE
        ),
        **({"alert_at": _percents(given["alert_at"])} if "alert_at" in given else {}),
    }


def alert_at(config: Mapping[str, Any]) -> tuple[int, ...]:
    """At which percents of the limit word is sent, rising."""
    return tuple(config.get("alert_at", _ALERT_AT))


def _percents(value: object) -> list[int]:
    wrong = PolicyError(f"config.alert_at: must be a list of at most {_MOST_ALERTS} whole percents from 1 to 1000, not {value!r}")
    if not isinstance(value, Sequence) or isinstance(value, str) or len(cast("Sequence[object]", value)) > _MOST_ALERTS:
        raise wrong
    percents: set[int] = set()
    for percent in cast("Sequence[object]", value):
        if isinstance(percent, bool) or not isinstance(percent, int) or not 1 <= percent <= 1000:
            raise wrong
        percents.add(percent)
    return sorted(percents)


def _limit(value: object) -> str:
    if value is fields.REQUIRED:
        raise PolicyError("config.limit_usd: is missing; give a number of dollars such as 10 or 0.50")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise PolicyError(f"config.limit_usd: must be a number of dollars such as 10 or 0.50, not {value!r}")
    try:
        nano = usd_to_nano(value)
    except ValueError:
        raise PolicyError(f"config.limit_usd: must be a number of dollars such as 10 or 0.50, not {value!r}") from None
    if not 0 <= nano <= _MOST_NANO:
        raise PolicyError(f"config.limit_usd: must be between 0 and {nano_to_usd(_MOST_NANO)}, not {value!r}")
    return nano_to_usd(nano)


def caps_for(policies: Sequence[Policy], subject: Subject) -> tuple[Cap, ...]:
    """Every cap that holds for `subject`, in the order of `policies`.

    A spend_cap overrides the default_spend_cap that is about the same matcher keys and the same window.
    """
    matching = [policy for policy in policies if policy.policy_type in (NAME, DEFAULT_NAME) and policy.matches(subject)]
    if not matching:
        return ()
    granular = {(keys_of(policy.matchers), policy.config["window"]) for policy in matching if policy.policy_type == NAME}
    return tuple(
        _cap(policy, subject)
        for policy in matching
        if policy.policy_type == NAME or (keys_of(policy.matchers), policy.config["window"]) not in granular
    )


def _cap(policy: Policy, subject: Subject) -> Cap:
    config = policy.config
    return Cap(
        policy=PolicyRef(policy.id, policy.name),
        field=subject_field(policy, subject),
        scope=scope_of(policy),
        window=config["window"],
        limit_nano=_limit_nano(config["limit_usd"]),
        strict=config["strict"],
        on_store_unavailable=config["on_store_unavailable"],
        most=_MOST_SUBJECTS if any(key not in SUBJECT_KEYS and "" in values for key, values in policy.wanted) else 0,
    )


@lru_cache(maxsize=4096)
def _limit_nano(limit_usd: str) -> int:
    """A cap is looked at with every call."""
    return usd_to_nano(limit_usd)
