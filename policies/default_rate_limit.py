"""`default_rate_limit`: the rate limit of every subject that has none of its own; `rate_limit.limits_for` applies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from policies import rate_limit
from policies.model import Matcher
from policies.subjects import check_matchers

NAME = rate_limit.DEFAULT_NAME


def validate(config: object, matchers: Sequence[Matcher]) -> dict[str, Any]:
    """As rate_limit's, with at least one matcher of value "". Raises PolicyError."""
    check_matchers(matchers, default=True)
    return rate_limit.validate_config(config)
