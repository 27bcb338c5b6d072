"""Watches spend come near its caps: whoever's call was recorded is looked at, and every cap of one subject now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import redis.asyncio
from redis.exceptions import RedisError
from sqlalchemy import Engine

from policies.model import Policy, Subject
from policies.spend_cap import NAME, alert_at, caps_for
from policies.subjects import only_subject
from sallyport.alerts.raised import Crossing, raise_alerts
from sallyport.spend.counters import current_spend
from sallyport.spend.reconcile import needs_rebuild
from sallyport.spend.windows import window_start
from sallyport.store.errors import StoreError
from sallyport.tracing.record import CallRecord

log = logging.getLogger(__name__)

_PERIOD_SECONDS = 1.0
_ALL_SECONDS = 60.0
_MOST_KNOWN = 100_000
_LOOKS = 3
"""How often a spender is looked at: `policies` may be a second old, and not have the cap that was made just before the call."""


@dataclass(frozen=True, slots=True)
class _Spender:
    """Whose spend may have grown, and in the windows that hold which hour."""

    organization_id: str
    workspace_id: str
    user_id: str | None
    api_key_id: str | None
    headers: tuple[tuple[str, str], ...]
    hour: int


class Watcher:
    """A sink of the recorder. `policies`: those in force, broadest first."""

    def __init__(self, client: redis.asyncio.Redis, engine: Engine, policies: Callable[[], Sequence[Policy]]) -> None:
        self._redis = client
        self._engine = engine
        self._policies = policies
        self._spenders: set[_Spender] = set()
        self._looked_at: deque[set[_Spender]] = deque(maxlen=_LOOKS - 1)
        self._seen: Sequence[Policy] = ()
        self._known: dict[Crossing, None] = {}
        self._whole: dict[str, bool] = {}
        self._all_at = 0.0
        self._failing = False

    async def write(self, records: Sequence[CallRecord]) -> None:
        for record in records:
            if record.organization_id and record.workspace_id:
                who = (record.organization_id, record.workspace_id, record.user_id, record.api_key_id)
                self._spenders.add(_Spender(*who, tuple(sorted(record.headers.items())), int(record.started_at // 3600)))

    async def close(self) -> None:
        """What is not looked at now is looked at after the next start."""

    async def run(self) -> None:
        """Until cancelled. No failure of Redis or SQL ends it."""
        while True:
            try:
                await self.once()
                self._failing = False
            except (StoreError, RedisError, OSError) as error:
                if not self._failing:
                    log.warning("budget alerts wait for a store: %s: %s", type(error).__name__, error)
                self._failing = True
            await asyncio.sleep(_PERIOD_SECONDS)

    async def once(self) -> None:
        """Raises StoreError, redis.RedisError; nothing is forgotten then."""
        spenders, self._spenders = self._spenders, set()
        self._whole.clear()
        try:
            for crossing in [*await self._of(spenders.union(*self._looked_at)), *await self._of_all()]:
                if crossing not in self._known:
                    await asyncio.to_thread(raise_alerts, self._engine, crossing)
                    self._known[crossing] = None
            while len(self._known) > _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._looked_at.append(spenders)
        except BaseException:
            self._spenders |= spenders
            self._all_at = 0.0
            raise

    async def _of(self, spenders: Iterable[_Spender]) -> list[Crossing]:
        policies = self._policies()
        found: list[Crossing] = []
        for who in spenders:
            subject = Subject(who.organization_id, who.workspace_id, who.user_id, who.api_key_id, dict(who.headers))
            found += await self._crossings(policies, subject, who.hour * 3600.0)
        return found

    async def _of_all(self) -> list[Crossing]:
        """Of each cap that is about one subject, once policies changed and each minute: a restart may have come between."""
        policies = self._policies()
        if policies is self._seen and time.monotonic() < self._all_at:
            return []
        self._seen, self._all_at = policies, time.monotonic() + _ALL_SECONDS
        caps = [policy for policy in policies if policy.policy_type == NAME]
        found: list[Crossing] = []
        for policy in caps:
            found += await self._crossings([policy], only_subject(policy), time.time())
        return found

    async def _crossings(self, policies: Sequence[Policy], subject: Subject, at: float) -> list[Crossing]:
        by_id = {policy.id: policy for policy in policies}
        found: list[Crossing] = []
        for cap in caps_for(policies, subject):
            percents = alert_at(by_id[cap.policy.id].config)
            if not percents or not cap.limit_nano or not await self._is_whole(subject.organization_id):
                continue
            spent = await current_spend(self._redis, subject.organization_id, cap.field, cap.window, at)
            reached = tuple(percent for percent in percents if spent * 100 >= percent * cap.limit_nano)
            if reached:
                who = (subject.organization_id, cap.policy.id, cap.policy.name, cap.field)
                found.append(Crossing(*who, cap.window, window_start(cap.window, at), cap.limit_nano, reached, spent))
        return found

    async def _is_whole(self, organization_id: str) -> bool:
        """Counters that Redis lost are too low until they are rebuilt; then the next look tells."""
        if organization_id not in self._whole:
            self._whole[organization_id] = not await needs_rebuild(self._redis, organization_id)
        return self._whole[organization_id]
