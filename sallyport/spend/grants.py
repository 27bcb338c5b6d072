"""What a worker may spend while Redis is away: a small share of each `lease` cap, set aside for it while Redis was there.

The bound: a worker spends at most a hundredth of what was left of a cap when it last asked, and that is held in Redis, so that
even then a strict cap is not passed. In all: workers × a hundredth.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import redis.asyncio

from policies.spend_cap import Cap
from sallyport.ids import new_id
from sallyport.spend import keys
from sallyport.spend.script import Script
from sallyport.spend.windows import WINDOWS, window_id

ONE_IN = 100
"""A worker's share of what a cap has left."""
PREFIX = "grant:"
"""The ids of grants among those of calls."""
_REMEMBERED = 200
_FORGET_SECONDS = 600.0
_grant = Script("grant.lua")

Place = tuple[str, str, str, str]
"""Organization, window, its id, subject: the counter that a grant is held in."""


@dataclass(slots=True)
class _Grant:
    limit_nano: int
    used_at: float
    amount: int = 0
    renewed_at: float = 0.0


class Grants:
    """Of one worker. Times are UTC seconds."""

    def __init__(self, client: redis.asyncio.Redis, *, lease_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._redis = client
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._worker = new_id()
        self._grants: OrderedDict[Place, _Grant] = OrderedDict()
        self._taken: dict[str, tuple[tuple[Place, ...], int]] = {}
        """What calls spend of grants, by call id, until Redis has charged them."""

    def want(self, organization_id: str, caps: Sequence[Cap], at: float) -> None:
        """Calls come under these caps: a share of those that say `lease` is to be set aside. `at`: when the call started."""
        for cap in caps:
            if cap.on_store_unavailable == "lease":
                place = _place(organization_id, cap, at)
                grant = self._grants.setdefault(place, _Grant(cap.limit_nano, at))
                grant.limit_nano, grant.used_at = cap.limit_nano, at
                self._grants.move_to_end(place)

    def take(self, call_id: str, organization_id: str, caps: Sequence[Cap], amount_nano: int, at: float) -> bool:
        """Whether what is set aside here pays for the call. Without a cap that says `lease` it is not asked."""
        if any(cap.on_store_unavailable == "block" for cap in caps):
            return False
        places = tuple({_place(organization_id, cap, at) for cap in caps if cap.on_store_unavailable == "lease"})
        if not places or any(self._left(place) < max(amount_nano, 1) for place in places):
            return False
        self._taken[call_id] = (places, amount_nano)
        return True

    def ended(self, call_id: str, cost_nano: int) -> None:
        """A call that took of grants turned out to cost that."""
        if call_id in self._taken:
            self._taken[call_id] = (self._taken[call_id][0], cost_nano)

    def charged(self, call_id: str) -> None:
        """Redis counts it now."""
        self._taken.pop(call_id, None)

    async def renew(self) -> None:
        """Ask for each share that is new or due. Raises redis.RedisError."""
        now = self._clock()
        while len(self._grants) > _REMEMBERED:
            self._grants.popitem(last=False)  # its lease ends by itself
        for place, grant in [*self._grants.items()]:
            if now - grant.used_at > _FORGET_SECONDS:
                del self._grants[place]
                await self._ask(place, grant, 0)
            elif now - grant.renewed_at >= self._lease_seconds / 3:
                await self._ask(place, grant, ONE_IN)

    async def give_back(self) -> None:
        """All of it: the worker ends. Raises redis.RedisError."""
        while self._grants:
            await self._ask(*self._grants.popitem(), 0)

    def _left(self, place: Place) -> int:
        grant = self._grants.get(place)
        return grant.amount - self._spent(place) if grant else 0

    def _spent(self, place: Place) -> int:
        return sum(nano for places, nano in self._taken.values() if place in places)

    async def _ask(self, place: Place, grant: _Grant, one_in: int) -> None:
        now = self._clock()
        names, arguments = _arguments(place, f"{PREFIX}{self._worker}:{':'.join(place[1:])}", grant.used_at)
        arguments[1], arguments[3], arguments[4], arguments[5] = (
            now + self._lease_seconds,
            grant.limit_nano,
            one_in,
            self._spent(place),
        )
        answer = await _grant.run(self._redis, names, arguments)
        if answer is not None:
            grant.amount, grant.renewed_at = int(answer), now


async def reap_grant(client: redis.asyncio.Redis, organization_id: str, grant_id: str, kept: bytes | str, now: float) -> None:
    """Give back a grant whose lease ended by `now`: its worker is gone. Raises redis.RedisError."""
    grant = orjson.loads(kept)
    place = (organization_id, grant["window"], "", grant["subject"])
    names, arguments = _arguments(place, grant_id, grant["at"])
    arguments[8] = now
    await _grant.run(client, names, arguments)


def _arguments(place: Place, grant_id: str, at: float) -> tuple[list[str], list[Any]]:
    """KEYS and ARGV of grant.lua to give all back. `at`: a moment of the window."""
    organization_id, window, _, subject = place
    index = WINDOWS.index(window)
    names, expire = keys.spend_windows(organization_id, at)
    kept = orjson.dumps({"window": window, "at": at})
    where = [keys.reservations(organization_id), keys.leases(organization_id), names[index], keys.epoch(organization_id)]
    return where, [grant_id, 0, subject, 0, 0, 0, expire[index], kept, ""]


def _place(organization_id: str, cap: Cap, at: float) -> Place:
    return (organization_id, cap.window, window_id(cap.window, at), cap.field)
