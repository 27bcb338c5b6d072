"""Does again what workers noted in their journals (see `journal`) and Redis forgot: it was emptied, or lost its last seconds.

Both scripts are idempotent by call id, so what Redis still has is left as it is.
"""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

import orjson
import redis.asyncio
from redis.exceptions import ResponseError
from sqlalchemy import Engine

from sallyport.spend import keys, plan, rejected
from sallyport.spend.journal import SUFFIX
from sallyport.spend.ledger import costs_of
from sallyport.spend.script import Script
from sallyport.store.database import reading
from sallyport.tracing.record import CallRecord

_RIPE_SECONDS = 12.0
"""A file that nobody wrote to for so long is looked at: its calls had time to reach the ledger, and Redis to sync what it has."""
_AT_ONCE = 20  # a connection each
_admit, _settle = Script("admit.lua", "replay"), Script("settle.lua")


@dataclass(slots=True)
class Noted:
    """The last that a journal has of a call."""

    record: dict[str, Any]
    reservation: Any = None
    bill: Any = None
    """None: it was admitted, and its end is not noted."""


class Journals:
    """The journals in `folder`: those of one gateway's workers. Raises redis.RedisError and StoreError."""

    def __init__(
        self,
        folder: Path,
        client: redis.asyncio.Redis,
        engine: Engine,
        *,
        lease_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._folder = folder
        self._redis = client
        self._engine = engine
        self._lease_seconds = lease_seconds

    async def replay_all(self, organization_id: str) -> None:
        """While the counters of an organization are made whole: whatever is noted of it, be it in the ledger or not.

        What is already in the ledger is told apart by the comparison that is under way (see `reconcile`).
        """
        noted = await asyncio.to_thread(_read_all, self._files())
        of_it = {name: one for name, one in noted.items() if one.record.get("organization_id") == organization_id}
        known = await self._known(organization_id, [name for name, one in of_it.items() if one.bill is None])
        await self._replay(one for name, one in of_it.items() if name not in known)

    async def sweep(self) -> None:
        """Files whose calls are all in the ledger go; what is missing there and nowhere on its way is done again."""
        ripe = [path for path in self._files() if _age(path) > _RIPE_SECONDS]
        if not ripe:
            return
        newest = await asyncio.to_thread(_read_all, self._files())
        missing: dict[str, Noted] = {}
        for path in ripe:
            names = await asyncio.to_thread(_read, path)
            recorded = await asyncio.to_thread(_recorded, self._engine, names)
            left = names.keys() - recorded
            if not left:
                path.unlink(missing_ok=True)
            missing |= {name: newest.get(name, names[name]) for name in left}
        for organization_id in {one.record.get("organization_id") for one in missing.values()}:
            of_it = {name: one for name, one in missing.items() if one.record.get("organization_id") == organization_id}
            if not await self._recorder_is_behind(organization_id):
                known = await self._known(organization_id, list(of_it))
                await self._replay(one for name, one in of_it.items() if name not in known)

    def _files(self) -> list[Path]:
        """Oldest first: their names are ids."""
        return sorted(self._folder.glob("*" + SUFFIX))

    async def _recorder_is_behind(self, organization_id: str | None) -> bool:
        """What is missing in the ledger may wait in the stream."""
        oldest: Any = await self._redis.xrange(keys.calls_stream(organization_id), count=1)
        return bool(oldest) and time.time() - int(oldest[0][0].partition(b"-")[0]) / 1000 > _RIPE_SECONDS / 2

    async def _known(self, organization_id: str | None, names: Sequence[str]) -> set[str]:
        """Those that are still reserved, in the ledger, or buried on the way there."""
        if not names:
            return set()
        held: list[Any] = await self._redis.hmget(keys.reservations(organization_id), list(names))
        known = {name for name, reservation in zip(names, held, strict=True) if reservation is not None}
        if len(known) < len(names):
            dead: Any = await self._redis.xrange(f"{keys.calls_stream(organization_id)}:dead")
            for _, fields in dead:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    known.add(orjson.loads(fields[b"record"])["id"])
            known |= await asyncio.to_thread(_recorded, self._engine, [name for name in names if name not in known])
        return known

    async def _replay(self, noted: Iterable[Noted]) -> None:
        lease_end = self._clock() + self._lease_seconds
        for some in batched(noted, _AT_ONCE):
            await asyncio.gather(*(self._again(one, lease_end) for one in some))

    async def _again(self, noted: Noted, lease_end: float) -> None:
        record = CallRecord.from_json(orjson.dumps(noted.record))
        try:
            if noted.bill is None:
                await _admit.run(self._redis, *plan.restoration(record, orjson.dumps(noted.reservation), lease_end))
            else:
                names, arguments = plan.settlement(record)
                arguments[2] = orjson.dumps(noted.bill)
                await _settle.run(self._redis, names, arguments)
        except ResponseError as error:
            if not rejected.is_rejection(error):
                raise
            rejected.tell(record.id, record.organization_id, error)  # the file stays, and the others are done


def _read_all(paths: Iterable[Path]) -> dict[str, Noted]:
    found: dict[str, Noted] = {}
    for path in paths:
        for name, noted in _read(path).items():
            if noted.bill is not None or name not in found or found[name].bill is None:
                found[name] = noted
    return found


def _read(path: Path) -> dict[str, Noted]:
    """By call id. A line that was cut short is passed over."""
    found: dict[str, Noted] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                entry: dict[str, Any] = orjson.loads(line)
                if "settled" in entry:
                    found[entry["settled"]["id"]] = Noted(entry["settled"], bill=entry["bill"])
                elif (name := entry["admitted"]["id"]) not in found or found[name].bill is None:
                    found[name] = Noted(entry["admitted"], reservation=entry["reservation"])
    return found


def _recorded(engine: Engine, call_ids: Iterable[str]) -> set[str]:
    with reading(engine) as connection:
        return {cost.call_id for cost in costs_of(connection, call_ids)}


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
