"""The worker's way to the budgets: admit a call, top it up, settle it, publish it, renew its lease; one Redis round trip each."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

import orjson
import redis.asyncio
from redis.exceptions import RedisError

from policies.rate_limit import Limit
from policies.spend_cap import Cap
from sallyport.spend import keys, plan
from sallyport.spend.admission import Admission, Topped, blocks
from sallyport.spend.grants import Grants
from sallyport.spend.journal import Journal
from sallyport.spend.rejected import is_rejection
from sallyport.spend.script import Argument, Script
from sallyport.tracing.record import CallRecord

_MOST = 9 * 10**18
"""What fits into the 64 bits of a counter; more than any cap."""
_LOOK_AGAIN_SECONDS = 0.1
_LOST = (b"lost", "lost")


class StoreUnavailable(Exception):
    """Redis did not answer in time or could not do what was asked. Whether it was done is not known."""


class Rejected(StoreUnavailable):
    """Redis answers, and can't do this: a key that it needs is not what it should be."""


class SpendGate:
    """Times are UTC seconds. Everything is idempotent by call id.

    When `admit` raised StoreUnavailable its reservation may stand nevertheless: hand such a call to `settle` in the end too,
    whatever became of it (with cost 0 where it was not sent).
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        *,
        lease_seconds: float,
        answer_seconds: float = 2.0,
        journal: Journal | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`answer_seconds`: the longest wait for Redis, connecting included; a busy loop sees an answer late. `journal`: where
        what is admitted and settled is noted, too.
        """
        self._redis = client
        self._journal = journal
        self._lease_seconds = lease_seconds
        self._answer_seconds = answer_seconds
        self._clock = clock
        self._settle = Script("settle.lua")
        self._top_up = Script("top_up.lua")
        self._away = False
        self.grants = Grants(client, lease_seconds=lease_seconds, clock=clock)
        self._extra: dict[str, list[str]] = {}
        """What caps count for calls in flight beside what is counted always, by call id."""
        self._noted: dict[str, tuple[bytes, bytes]] = {}
        """The journal's last line of calls in flight."""

    async def admit(
        self,
        record: CallRecord,
        *,
        caps: Sequence[Cap],
        limits: Sequence[Limit],
        expected_nano: int,
        worst_nano: int,
        expected_tokens: int,
    ) -> Admission:
        """Reserve for the call in every budget and rate limit at once, or say which are used up.

        A cap refuses when what is settled and reserved reaches it; a strict one when this call at its worst would exceed it, and
        the worst is then what is reserved. While the counters are not whole a call under a cap waits for them, as long as for
        Redis. Without Redis caps that say `lease` admit what this worker has set aside. Raises StoreUnavailable.
        """
        if record.passthrough:
            caps = ()
        now = self._clock()
        amounts = plan.Amounts(*(min(max(amount, 0), _MOST) for amount in (expected_nano, worst_nano, expected_tokens)))
        names, arguments = plan.admission(record, caps, limits, amounts, now, now + self._lease_seconds)
        if extra := plan.extra_subjects(record, caps):
            self._extra[record.id] = extra
        self.grants.want(record.organization_id or keys.NOBODY, caps, record.started_at)
        try:
            violated = await self._ask(record.organization_id, names, arguments)
        except StoreUnavailable:
            self._note_admission(arguments)
            wanted = amounts.reserved_under(caps)
            if self.grants.take(record.id, record.organization_id or keys.NOBODY, caps, wanted, record.started_at):
                return Admission(admitted=True)
            raise
        if not violated:
            self._note_admission(arguments)
            return Admission(admitted=True)
        self._extra.pop(record.id, None)
        return Admission(admitted=False, blocked=blocks(violated, caps, limits, record.started_at))

    async def _ask(self, organization_id: str | None, names: Sequence[str], arguments: Sequence[Argument]) -> list[list[Any]]:
        """What admit.lua answers as soon as the counters are whole. Raises StoreUnavailable."""
        deadline = time.monotonic() + self._answer_seconds
        while True:
            answer = await self._run(_admit(organization_id), names, arguments, first=("first",))
            if not answer or answer[0][0] not in _LOST:
                return answer
            if time.monotonic() > deadline:
                raise StoreUnavailable("the counters in Redis are not whole yet")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _note_admission(self, arguments: Sequence[Argument]) -> None:
        if self._journal:
            noted = self._noted[str(arguments[0])] = cast(bytes, arguments[2]), cast(bytes, arguments[3])
            self._journal.admitted(*noted)

    def _note_raise(self, call_id: str, amount_nano: int, spent_nano: int) -> None:
        if self._journal and call_id in self._noted:
            pending, reservation = self._noted[call_id]
            raised = orjson.loads(reservation) | {"amount": str(amount_nano)}
            raised["expected"] = str(max(int(raised["expected"]), spent_nano))
            self._journal.admitted(pending, orjson.dumps(raised))

    async def top_up(self, record: CallRecord, *, caps: Sequence[Cap], spent_nano: int, wanted_nano: int) -> Topped:
        """Raise what a running call has reserved to `wanted_nano`, or as near as its strict caps leave room for.

        At least `spent_nano` is reserved then; where a strict cap has no room for that, nothing changes. A call that holds no
        reservation any more may go on: it has been charged. Raises StoreUnavailable.
        """
        names, arguments = plan.topping_up(record, caps, min(spent_nano, _MOST), min(wanted_nano, _MOST))
        answer: list[Any] = await self._run(self._top_up, names, arguments)
        if answer[0] in (b"held", "held"):
            self._note_raise(record.id, int(answer[1]), spent_nano)
            return Topped(int(answer[1]))
        return Topped(0, blocks([[b"cap", *entry] for entry in answer[1:]], caps, (), record.started_at))

    async def settle(self, record: CallRecord) -> None:
        """Charge what the call cost in the windows it started in, let its reservation go and publish the record.

        A second time, or after its lease was reaped, nothing happens. A passed-through call costs its budgets nothing.
        Raises StoreUnavailable: then `settle_again`.
        """
        names, arguments = plan.settlement(record, extra=self._extra.get(record.id, ()))
        self.grants.ended(record.id, record.cost_nano)
        self._noted.pop(record.id, None)
        if self._journal:
            bare = record.inputs is None and record.outputs is None
            noted = cast(bytes, arguments[1]) if bare else replace(record, inputs=None, outputs=None).to_json()
            self._journal.settled(noted, cast(bytes, arguments[2]))
        await self._charge(record, names, arguments)

    async def settle_again(self, record: CallRecord) -> None:
        """What `settle` could not finish. Raises StoreUnavailable: then try again."""
        await self._charge(record, *plan.settlement(record, extra=self._extra.get(record.id, ())))

    async def _charge(self, record: CallRecord, names: Sequence[str], arguments: Sequence[Argument]) -> None:
        await self._run(self._settle, names, arguments)
        self._extra.pop(record.id, None)
        self.grants.charged(record.id)

    async def publish(self, records: Sequence[CallRecord]) -> None:
        """Hand records that hold no reservation (refused, unmetered, or settled before) to the recorder, which takes each once.

        Raises StoreUnavailable: then try all again.
        """
        pipeline = self._redis.pipeline(transaction=False)
        for record in records:
            pipeline.xadd(keys.calls_stream(record.organization_id), {"record": record.to_json()})
        if records:
            await self._answer(pipeline.execute())

    async def renew(self, calls: Sequence[CallRecord]) -> None:
        """Give the leases of running calls their full length again; a lease that is gone stays gone. Raises StoreUnavailable."""
        ids: defaultdict[str | None, list[str]] = defaultdict(list)
        for record in calls:
            ids[record.organization_id].append(record.id)
        end = self._clock() + self._lease_seconds
        pipeline = self._redis.pipeline(transaction=False)
        for organization_id, members in ids.items():
            pipeline.zadd(keys.leases(organization_id), dict.fromkeys(members, end), xx=True)
        if ids:
            await self._answer(pipeline.execute())

    async def renew_grants(self) -> None:
        """Have a share of each `lease` cap set aside, for when Redis is away. Raises StoreUnavailable."""
        await self._answer(self.grants.renew())

    async def give_grants_back(self) -> None:
        """Raises StoreUnavailable: then they go when their leases end."""
        await self._answer(self.grants.give_back())

    async def look_again(self) -> None:
        """Where Redis did not answer in time nobody waits for it any more, until this finds that it does again."""
        if self._away:
            with contextlib.suppress(TimeoutError, RedisError, OSError):
                async with asyncio.timeout(self._answer_seconds):
                    await self._redis.execute_command("PING")  # pyright: ignore[reportUnknownMemberType] - untyped in redis-py
                self._away = False

    async def _run(
        self, script: Script, names: Sequence[str], arguments: Sequence[Argument], *, first: Sequence[str] = ()
    ) -> Any:
        asked = script.run(self._redis, names, arguments, first=first, seconds=self._answer_seconds)
        return await self._answer(asked, bounded=True)

    async def _answer[T](self, asked: Coroutine[Any, Any, T], *, bounded: bool = False) -> T:
        """`bounded`: it raises TimeoutError by itself."""
        if self._away:
            asked.close()
            raise StoreUnavailable("Redis does not answer")
        try:
            async with asyncio.timeout(None if bounded else self._answer_seconds):
                return await asked
        except TimeoutError as error:
            self._away = True
            raise StoreUnavailable(f"Redis did not answer within {self._answer_seconds * 1000:.0f} ms") from error
        except (RedisError, OSError) as error:
            kind = Rejected if is_rejection(error) else StoreUnavailable
            raise kind(f"Redis failed: {error}") from error


@lru_cache(maxsize=1024)
def _admit(organization_id: str | None) -> Script:
    """Each organization's own, for a new server is told of each in turn."""
    return Script("admit.lua", organization_id or keys.NOBODY)
