"""Compares the counters with the ledger, exactly and while calls settle, and adds what they lack.

What was settled when Redis was read is in the ledger, or still in the stream of records. What was settled later is in a set that
settle.lua keeps meanwhile, and is left out on both sides.
"""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import redis.asyncio
from sqlalchemy import Engine

from policies.model import SUBJECT_KEYS, Policy, Subject
from policies.subjects import base_fields, counted_apart, header_names, subject_field
from sallyport.ids import new_id
from sallyport.spend import keys
from sallyport.spend.ledger import Cost, Sum, costs_of, sums_between
from sallyport.spend.script import Script
from sallyport.spend.windows import WINDOWS, window_end, window_start
from sallyport.store.database import reading
from sallyport.tracing.record import CallRecord

CAPS = ("spend_cap", "default_spend_cap")
_LONGEST_SECONDS = 300
_repair = Script("repair.lua")


@dataclass(frozen=True, slots=True)
class Compared:
    """One counter: a subject (`workspace_id=…`) in the current window, in nano-dollars, at one moment."""

    organization_id: str
    window: str
    subject: str
    counter_nano: int
    ledger_nano: int

    @property
    def drift_nano(self) -> int:
        return self.counter_nano - self.ledger_nano


@dataclass(frozen=True, slots=True)
class Comparison:
    """`token` lets `repair` know that nothing came between; `at`: UTC seconds, which windows were compared."""

    organization_id: str
    at: float
    token: str
    counters: tuple[Compared, ...]

    @property
    def drifted(self) -> tuple[Compared, ...]:
        return tuple(entry for entry in self.counters if entry.drift_nano)


async def compare(
    client: redis.asyncio.Redis,
    engine: Engine,
    organization_id: str,
    policies: Iterable[Policy] = (),
    *,
    at: float,
    meanwhile: Callable[[str], Awaitable[None]] | None = None,
) -> Comparison:
    """Every counter of the windows that hold `at` against the ledger: those of the organization, its workspaces, users and keys,
    and of caps on groups, on headers and on several conditions.

    Only one comparison of an organization counts at a time, the last begun. `meanwhile`: is done once Redis was read, with what
    it settles left out on both sides. Raises redis.RedisError, StoreError.
    """
    token = new_id()
    counted, waiting = await _begin(client, organization_id, token, at)
    if meanwhile:
        await meanwhile(organization_id)
    loop = asyncio.get_running_loop()

    def settled_since() -> set[str]:
        """Asked from the thread that holds the ledger's transaction."""
        return asyncio.run_coroutine_threadsafe(_since(client, organization_id, token), loop).result()

    apart = [policy for policy in policies if policy.policy_type in CAPS and counted_apart(policy)]
    sums = await asyncio.to_thread(_ledger, engine, organization_id, waiting, settled_since, at, header_names(apart))
    spent = _by_subject(organization_id, sums, apart)
    known = tuple(key + "=" for key in SUBJECT_KEYS)
    for window, entries in counted.items():
        for subject in entries:
            if subject.startswith(known) and not {"&", "|"}.intersection(subject):
                spent[window, subject] += 0
    compared = [
        Compared(organization_id, window, subject, counted[window].get(subject, 0), nano)
        for (window, subject), nano in spent.items()
    ]
    compared.sort(key=lambda entry: (WINDOWS.index(entry.window), entry.subject))
    return Comparison(organization_id, at, token, tuple(compared))


async def needs_rebuild(client: redis.asyncio.Redis, organization_id: str) -> bool:
    """The counters are not known to be whole: they were never built, or Redis lost them. Raises redis.RedisError."""
    return await epoch(client, organization_id) is None


async def epoch(client: redis.asyncio.Redis, organization_id: str) -> str | None:
    """Since when the counters are whole: another name after each time that Redis lost them. None: they are not.

    Raises redis.RedisError.
    """
    found: bytes | str | None = await client.get(keys.epoch(organization_id))
    return _text(found) if found is not None else None


async def repair(client: redis.asyncio.Redis, found: Comparison) -> bool:
    """Correct the counters by their drift, and mark them whole. False: something came between, nothing was changed; compare anew.

    Raises redis.RedisError.
    """
    names, expire = keys.spend_windows(found.organization_id, found.at)
    corrections = [[WINDOWS.index(entry.window) + 1, entry.subject, str(-entry.drift_nano)] for entry in found.drifted]
    where = [*names, keys.since(found.organization_id), keys.epoch(found.organization_id)]
    given = [found.token, orjson.dumps(corrections), orjson.dumps(expire), found.token]
    return bool(await _repair.run(client, where, given))


async def _begin(
    client: redis.asyncio.Redis, organization_id: str, token: str, at: float
) -> tuple[dict[str, dict[str, int]], list[Cost]]:
    """In one moment: the counters, the calls that the recorder has not taken yet, and from now on each call that is settled."""
    names, _ = keys.spend_windows(organization_id, at)
    since = keys.since(organization_id)
    pipeline = client.pipeline(transaction=True)
    pipeline.delete(since)
    pipeline.sadd(since, token)
    pipeline.expire(since, _LONGEST_SECONDS)
    for name in names:
        pipeline.hgetall(name)
    pipeline.xrange(keys.calls_stream(organization_id))
    answers: list[Any] = await pipeline.execute()
    counted = {
        window: {_text(field): int(value) for field, value in entries.items() if not _text(field).startswith("held:")}
        for window, entries in zip(WINDOWS, answers[3:7], strict=True)
    }
    return counted, [cost for _, fields in answers[7] if (cost := _cost(fields)) is not None]


def _cost(fields: dict[bytes | str, bytes | str]) -> Cost | None:
    try:
        record = CallRecord.from_json(fields.get(b"record") or fields.get("record") or b"")
    except ValueError:  # the recorder will bury it
        return None
    nano = 0 if record.passthrough else record.cost_nano
    who = (record.workspace_id, record.user_id, record.api_key_id)
    return Cost(record.id, record.started_at, Sum(*who, nano, record.headers))


async def _since(client: redis.asyncio.Redis, organization_id: str, token: str) -> set[str]:
    members: Any = client.smembers(keys.since(organization_id))
    return {_text(member) for member in await members} - {token}


def _ledger(
    engine: Engine,
    organization_id: str,
    waiting: Sequence[Cost],
    settled_since: Callable[[], set[str]],
    at: float,
    header_names: Collection[str],
) -> dict[str, list[Sum]]:
    """What was spent in each window by what was settled when Redis was read."""
    with reading(engine) as connection:
        bounds = {window: (window_start(window, at), window_end(window, at)) for window in WINDOWS}
        sums = {window: sums_between(connection, organization_id, *between, header_names) for window, between in bounds.items()}
        recorded = {cost.call_id for cost in costs_of(connection, {cost.call_id for cost in waiting})}
        later_ids = settled_since()
        later = costs_of(connection, later_ids)
    missing = {cost.call_id: cost for cost in waiting if cost.call_id not in recorded | later_ids}
    for window, (start, end) in bounds.items():
        sums[window] += [cost.sum for cost in missing.values() if start <= cost.started_at < end]
        sums[window] += [_negative(cost.sum) for cost in later if start <= cost.started_at < end]
    return sums


def _negative(entry: Sum) -> Sum:
    return replace(entry, spend_nano=-entry.spend_nano)


def _by_subject(organization_id: str, sums: dict[str, list[Sum]], apart: Collection[Policy]) -> Counter[tuple[str, str]]:
    totals: Counter[tuple[str, str]] = Counter()
    for window, entries in sums.items():
        for entry in entries:
            fields = {*base_fields(organization_id, entry.workspace_id, entry.user_id, entry.api_key_id)}
            subject = Subject(organization_id, entry.workspace_id or "", entry.user_id, entry.api_key_id, entry.headers)
            fields |= {subject_field(policy, subject) for policy in apart if policy.matches(subject)}
            for field in fields:
                totals[window, field] += entry.spend_nano
    return totals


def _text(reply: bytes | str) -> str:
    return reply.decode() if isinstance(reply, bytes) else reply
