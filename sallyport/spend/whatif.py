"""What policies would have blocked, played over the calls of the past: a comparison, which changes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, load_only

from policies import model_access
from policies.model import Policy, Subject
from policies.rate_limit import Limit, limits_for
from policies.spend_cap import Cap, caps_for
from sallyport.spend.plan import BUCKET_SECONDS, BUCKETS
from sallyport.spend.windows import window_start
from sallyport.store.call_tables import CallRow
from sallyport.store.database import reading
from sallyport.tracing.record import PolicyRef

_AT_ONCE = 1000
_COLUMNS = ("organization_id", "workspace_id", "user_id", "api_key_id", "headers", "provider", "model", "started_at", "cost_nano")
_TOKENS = ("input_tokens", "output_tokens", "passthrough")


@dataclass(slots=True)
class Blocked:
    """By one policy; a call that several would have blocked is in each. `users`: how many; calls of no user are their key's."""

    name: str
    calls: int = 0
    cost_nano: int = 0
    callers: set[str] = field(default_factory=set[str])

    @property
    def users(self) -> int:
        return len(self.callers)


@dataclass(frozen=True, slots=True)
class Replayed:
    seen: int
    calls: int
    users: int
    by_policy: list[Blocked]
    """The most calls first."""


def replay(engine: Engine, policies: Sequence[Policy], since: float) -> Replayed:
    """What `policies` would have blocked of the calls from `since` (UTC seconds) on that went to a provider.

    What a window held before `since` counts; a call that would have been blocked does not. Guards are left out.
    """
    desk = _Desk(policies)
    found: dict[str, Blocked] = {}
    seen = blocked = 0
    callers: set[str] = set()
    for call in _calls(engine, desk.counts_from(since)):
        refusing = desk.judge(call)
        if call.started_at < since:
            continue
        seen += 1
        if not refusing:
            continue
        blocked += 1
        caller = call.user_id or call.api_key_id or ""
        callers.add(caller)
        for policy in refusing:
            entry = found.setdefault(policy.id, Blocked(policy.name))
            entry.calls += 1
            entry.cost_nano += call.cost_nano
            entry.callers.add(caller)
    return Replayed(seen, blocked, len(callers), sorted(found.values(), key=lambda entry: (-entry.calls, entry.name)))


class _Desk:
    """The counters that the policies would have had."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = policies
        self._spent: dict[tuple[str, str, float], int] = {}
        self._used: dict[tuple[str, str, str], deque[tuple[float, int]]] = {}

    def counts_from(self, since: float) -> float:
        """The earliest moment that a window at `since` goes back to."""
        starts = [window_start(policy.config["window"], since) for policy in self._policies if "window" in policy.config]
        limits = [limit for policy in self._policies for limit in policy.config.get("limits", ())]
        return min([since, *starts, *(since - _seconds(limit["window"]) for limit in limits)])

    def judge(self, call: CallRow) -> list[PolicyRef]:
        """The policies that refuse this call; it is counted where none does."""
        subject = Subject(call.organization_id or "", call.workspace_id or "", call.user_id, call.api_key_id, call.headers or {})
        barring = model_access.refusing(self._policies, subject, call.provider or "", call.model or "") if call.model else ()
        limits = limits_for(self._policies, subject)
        caps = () if call.passthrough else caps_for(self._policies, subject)
        refusing = [PolicyRef(policy.id, policy.name) for policy in barring]
        refusing += [limit.policy for limit in limits if self._is_reached(limit, call)]
        refusing += [cap.policy for cap in caps if self._spent.get(_window(cap, call), 0) >= cap.limit_nano]
        if not refusing:
            for window in {_window(cap, call) for cap in caps}:
                self._spent[window] = self._spent.get(window, 0) + call.cost_nano
            for key in {(limit.field, limit.metric, limit.window) for limit in limits}:
                self._used.setdefault(key, deque()).append((call.started_at, _amount(key[1], call)))
        return refusing

    def _is_reached(self, limit: Limit, call: CallRow) -> bool:
        used = self._used.get((limit.field, limit.metric, limit.window), deque())
        while used and used[0][0] <= call.started_at - _seconds(limit.window):
            used.popleft()
        return sum(amount for _, amount in used) + (1 if limit.metric == "requests" else 0) > limit.value


def _window(cap: Cap, call: CallRow) -> tuple[str, str, float]:
    return cap.field, cap.window, window_start(cap.window, call.started_at)


def _seconds(window: str) -> float:
    return BUCKET_SECONDS[window] * BUCKETS


def _amount(metric: str, call: CallRow) -> int:
    return 1 if metric == "requests" else call.input_tokens + call.output_tokens


def _calls(engine: Engine, since: float) -> Iterator[CallRow]:
    query = (
        select(CallRow)
        .where(CallRow.started_at >= since, CallRow.outcome != "blocked", CallRow.api_key_id.is_not(None))
        .options(load_only(*(getattr(CallRow, name) for name in (*_COLUMNS, *_TOKENS))))
        .order_by(CallRow.started_at, CallRow.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    with reading(engine) as connection, Session(connection) as session:
        yield from session.scalars(query)
