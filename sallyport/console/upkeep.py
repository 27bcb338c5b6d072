"""What must be done now and then, and by one process: counters made whole and compared with the ledger each night, calls of dead
workers charged, journals swept, changes noticed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from policies.model import Policy
from policies.rate_limit import is_rate_limit
from policies.subjects import counted_apart
from sallyport.spend import keys
from sallyport.spend.rate_history import restore
from sallyport.spend.reaper import reap
from sallyport.spend.reconcile import Comparison, compare, epoch, repair
from sallyport.spend.replay import Journals
from sallyport.store.errors import StoreError
from sallyport.store.load import load_snapshot, snapshot_version
from sallyport.store.models import Actor
from sallyport.store.operations import Store
from sallyport.store.snapshot import Snapshot

log = logging.getLogger(__name__)

_PERIOD_SECONDS = 1.0
_LOOK_SECONDS = 0.1
_SWEEP_SECONDS = 5.0
_SEAL_SECONDS = 300.0
_RECORDER = Actor("recorder")
_POLL_SECONDS = 0.05
_LOOKS = (3.0, 30.0, 120.0, 600.0)
"""Seconds after a change of policies when the subjects of new caps are counted again: calls that were under way at the change
were admitted without them, and settle later."""


class Upkeep:
    """`snapshot` is at most about a second old. `journals`: of this gateway's workers."""

    def __init__(self, store: Store, redis: Redis, journals: Journals | None = None, *, lease_seconds: float = 0.0) -> None:
        self._store = store
        self._redis = redis
        self._journals = journals
        self._lease_seconds = lease_seconds
        self._answered = self._steady_since = -math.inf
        """monotonic: when Redis answered last, and since when it has always answered soon enough for workers to renew leases."""
        self._next_sweep = 0.0
        self._next_seal = time.monotonic() + _SEAL_SECONDS
        self._failing = False
        self._night = _night()
        self._looks: list[float] = []
        self._epochs: dict[str, str] = {}
        """By organization: what its counters are known to be whole since."""
        self.snapshot = Snapshot(version=-1)

    async def run(self) -> None:
        """Until cancelled. No failure of Redis or SQL ends it."""
        while True:
            try:
                await self.once()
                self._failing = False
                await self._until_lost(_PERIOD_SECONDS)
            except (StoreError, RedisError, OSError) as error:
                self._failed("upkeep waits for a store", error, logging.WARNING)
                await asyncio.sleep(_LOOK_SECONDS)
            except Exception as error:  # noqa: BLE001, RUF100 - one damaged record must not stop the rest for good
                self._failed("upkeep failed", error, logging.ERROR)
                await asyncio.sleep(_PERIOD_SECONDS)

    async def _until_lost(self, seconds: float) -> None:
        """Wait so long, or until counters must be made whole: calls wait for that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(_LOOK_SECONDS)
            for organization in self._organizations():
                if await self._needs_rebuild(organization):
                    return

    async def _needs_rebuild(self, organization: str) -> bool:
        """Redis has lost the counters; or it had, and another gateway made them whole without what stands in our journals."""
        found, now = await epoch(self._redis, organization), time.monotonic()
        if now - self._answered > self._lease_seconds / 2:
            self._steady_since = now
        self._answered = now
        return found is None or found != self._epochs.setdefault(organization, found)

    def _organizations(self) -> list[str]:
        return sorted({workspace.organization_id for workspace in self.snapshot.workspaces.values()})

    def _failed(self, what: str, error: Exception, level: int) -> None:
        if not self._failing:
            log.log(level, "%s: %s: %s", what, type(error).__name__, error)
        self._failing = True

    async def once(self) -> None:
        """Raises StoreError, redis.RedisError."""
        before = self.snapshot.policies
        await self.refresh()
        organizations, night = self._organizations(), _night()
        if self.snapshot.policies != before:
            self._looks = [time.monotonic() + seconds for seconds in _LOOKS]
            made = [policy for policy in self.snapshot.policies if is_rate_limit(policy) and policy not in before]
            for organization in sorted({policy.organization_id for policy in made}):
                await self._count_rates(organization, made)
        for organization in organizations:
            if await self._needs_rebuild(organization):
                await self._rebuild(organization)
            elif night != self._night:
                await self._reconcile(organization)
        self._night = night
        await self._look_at_new_caps()
        if time.monotonic() - self._steady_since >= self._lease_seconds:  # else workers that live have not renewed theirs yet
            reaped = await reap(self._redis, organizations, time.time())
            if reaped:
                log.warning("charged %d calls whose worker died, by estimate", reaped)
        if self._journals and time.monotonic() >= self._next_sweep:
            await self._journals.sweep()
            self._next_sweep = time.monotonic() + _SWEEP_SECONDS
        if time.monotonic() >= self._next_seal:
            await asyncio.to_thread(self._store.seal_invocations, _RECORDER, time.time())
            self._next_seal = time.monotonic() + _SEAL_SECONDS

    async def _look_at_new_caps(self) -> None:
        now = time.monotonic()
        if self._looks and now >= self._looks[0]:
            for organization in {policy.organization_id for policy in self.snapshot.policies if counted_apart(policy)}:
                await repair(self._redis, await self._compare(organization))
            self._looks = [at for at in self._looks if at > now]

    async def refresh(self) -> None:
        """Load the snapshot if there is a newer one. Raises StoreError."""
        self.snapshot = await asyncio.to_thread(_newer, self._store, self.snapshot)

    async def _rebuild(self, organization: str) -> None:
        before = await epoch(self._redis, organization)
        found = await self._compare(organization, self._journals and self._journals.replay_all)
        await self._count_rates(organization, self.snapshot.policies)
        if await repair(self._redis, found):
            self._epochs[organization] = before or found.token
            log.info("the spend counters of organization %s are rebuilt from the ledger", organization)
            self._looks = sorted([*self._looks, time.monotonic() + _LOOKS[0]])  # a journal knows the caps of its time alone

    async def _count_rates(self, organization: str, policies: Sequence[Policy]) -> None:
        await restore(self._redis, self._store.engine, organization, policies, at=time.time())

    async def _reconcile(self, organization: str) -> None:
        found = await self._compare(organization)
        for entry in found.drifted:
            log.error(
                "a spend counter is off and is set right: %s %s has %d nano-dollars, the ledger %d",
                *(entry.window, entry.subject, entry.counter_nano, entry.ledger_nano),
            )
        if found.drifted and not await repair(self._redis, found):
            log.warning("the spend counters of organization %s changed hands; `spend reconcile` looks again", organization)

    async def _compare(self, organization: str, meanwhile: Callable[[str], Awaitable[None]] | None = None) -> Comparison:
        engine, policies = self._store.engine, self.snapshot.policies
        return await compare(self._redis, engine, organization, policies, at=time.time(), meanwhile=meanwhile)


async def wait_until_empty(redis: Redis, organizations: Sequence[str | None], seconds: float) -> None:
    """Wait, at most so long, until the recorder has emptied the streams of these organizations. Raises redis.RedisError."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            for organization in organizations:
                while await redis.xlen(keys.calls_stream(organization)):  # noqa: ASYNC110 - Redis tells nobody
                    await asyncio.sleep(_POLL_SECONDS)


def _night() -> int:
    """Counts on ten minutes before each UTC midnight: the counters of the day are compared while they still hold."""
    return int((time.time() + 600) // 86400)


def _newer(store: Store, current: Snapshot) -> Snapshot:
    if snapshot_version(store.engine) == current.version:
        return current
    return load_snapshot(store.engine, store.vault)
