"""What is allowed: one file per policy type, each with its config's check and its pure decision (no I/O)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from policies import default_rate_limit, default_spend_cap, guard, model_access, rate_limit, spend_cap
from policies.model import Matcher, PolicyError


class PolicyType(Protocol):
    """What a policy type must offer to be stored; its decision is called by the addon that enforces it."""

    @property
    def NAME(self) -> str: ...

    def validate(self, config: object, matchers: Sequence[Matcher]) -> dict[str, Any]: ...


_TYPES: tuple[PolicyType, ...] = (spend_cap, default_spend_cap, rate_limit, default_rate_limit, model_access, guard)

POLICY_TYPES: Mapping[str, PolicyType] = MappingProxyType({policy_type.NAME: policy_type for policy_type in _TYPES})


def validate(policy_type: str, config: object, matchers: Sequence[Matcher]) -> dict[str, Any]:
    """The normalized config of a policy of that type: what is stored. Unknown fields are refused.

    Raises PolicyError; its message names the field, says what is wrong and what would be right.
    """
    found = POLICY_TYPES.get(policy_type)
    if found is None:
        raise PolicyError(f"policy_type: {policy_type!r} is not known; the types are {', '.join(POLICY_TYPES)}")
    return found.validate(config, matchers)
