"""What a call used, as its record keeps it: the counts that people look at in fields of their own, all others together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Protocol

from sallyport.providers.usage import Usage

_OWN = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_NAMES = frozenset(field.name for field in fields(Usage))


class Recorded(Protocol):
    """A call's record, or its row in the ledger."""

    input_tokens: Any
    output_tokens: Any
    cache_read_tokens: Any
    cache_write_tokens: Any
    reasoning_tokens: Any
    usage: Any


def further(usage: Usage) -> dict[str, Any]:
    """The counts that have no field of their own, and the service tier; what is zero or unknown is left out."""
    return {name: value for name, value in asdict(usage).items() if value and name not in _OWN}


def usage_of(recorded: Recorded) -> Usage:
    """The usage that was priced."""
    more: Mapping[str, Any] = recorded.usage or {}
    own = {name: getattr(recorded, name) for name in _OWN}
    return Usage(**own, **{name: value for name, value in more.items() if name in _NAMES and name not in _OWN})
