"""What the budgets answer: whether a call is admitted or topped up, and if not, every limit that is used up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from policies.rate_limit import Limit
from policies.spend_cap import Cap
from policies.subjects import SCOPES
from sallyport.spend.windows import window_end
from sallyport.tracing.record import PolicyRef


@dataclass(frozen=True, slots=True)
class Block:
    """A limit that refused a call."""

    policy: PolicyRef
    kind: Literal["spend_limit", "rate_limit"]
    scope: str
    """organization, workspace, user, api_key or header."""
    window: str
    ends_at: float
    """UTC seconds: when the window ends, or when the rate limit has room again."""
    firm: bool
    """It will hold until `ends_at` unless a policy changes. Otherwise calls in flight may yet turn out cheaper than reserved."""


@dataclass(frozen=True, slots=True)
class Admission:
    admitted: bool
    blocked: tuple[Block, ...] = ()
    """Every limit that is used up, broadest first; empty when admitted."""


@dataclass(frozen=True, slots=True)
class Topped:
    reserved_nano: int
    """What the call holds from now on."""
    blocked: tuple[Block, ...] = ()
    """The strict caps that are used up, broadest first; what is held has not changed then."""


def blocks(violated: Iterable[Sequence[Any]], caps: Sequence[Cap], limits: Sequence[Limit], at: float) -> tuple[Block, ...]:
    """What the scripts call violated, broadest first. `at`: when the call started, UTC seconds."""
    found = [_block(entry, caps, limits, at) for entry in violated]
    return tuple(sorted(found, key=lambda block: SCOPES.index(block.scope)))


def _block(entry: Sequence[Any], caps: Sequence[Cap], limits: Sequence[Limit], at: float) -> Block:
    """`entry`: as admit.lua returns it, indexes from 1."""
    index = int(entry[1]) - 1
    detail = int(entry[2])
    if entry[0] in (b"cap", "cap"):
        cap = caps[index]
        return Block(cap.policy, "spend_limit", cap.scope, cap.window, window_end(cap.window, at), firm=detail == 1)
    limit = limits[index]
    return Block(limit.policy, "rate_limit", limit.scope, limit.window, float(detail), firm=limit.metric == "requests")
