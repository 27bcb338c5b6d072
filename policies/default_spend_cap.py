"""`default_spend_cap`: the spend cap of every subject that has none of its own; `spend_cap.caps_for` applies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from policies import spend_cap
from policies.model import Matcher
from policies.subjects import check_matchers

NAME = spend_cap.DEFAULT_NAME


def validate(config: object, matchers: Sequence[Matcher]) -> dict[str, Any]:
    """As spend_cap's, with at least one matcher of value "". Raises PolicyError."""
    check_matchers(matchers, default=True)
    return spend_cap.validate_config(config)
