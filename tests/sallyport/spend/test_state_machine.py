"""Caps, windows and calls in any order, on the real server with the real scripts, against bookkeeping by hand.

The clock runs from the hour before a leap day: through hours, days, weeks and months.
"""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType] - untyped in Hypothesis
)

from policies.model import Policy, Subject
from policies.spend_cap import Cap, caps_for
from policies.subjects import base_fields
from sallyport.money import nano_to_usd
from sallyport.spend import keys
from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate
from sallyport.spend.journal import Journal
from sallyport.spend.ledger import insert_calls
from sallyport.spend.reaper import reap
from sallyport.spend.reconcile import compare, repair
from sallyport.spend.replay import Journals
from sallyport.spend.windows import WINDOWS, window_id
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord
from tests.sallyport.spend.desk import Clock, Desk, cap, text, whole

BEGIN = datetime(2028, 2, 28, 23, 20, tzinfo=UTC).timestamp()
LEASE = 30
SUBJECTS = (Subject("o", "w", "u", "k"), Subject("o", "w", "u", "k2"), Subject("o", "w2", None, "k3"))
MATCHERS: tuple[dict[str, str], ...] = (
    {},
    {"workspace_id": "w"},
    {"user_id": "u"},
    {"api_key_id": "k"},
    {"workspace_id": "w", "user_id": "u"},
)
STEPS = (1.0, 29.0, 31.0, 1800.0, 3600.0, 86400.0, 6 * 86400.0, 30 * 86400.0)

Place = tuple[str, str, str]
"""Window, its id, and the field of a counter in it."""


@dataclass
class Open:
    """A call that holds a reservation."""

    record: CallRecord
    amount: int
    expected: int
    worst: int
    caps: tuple[Cap, ...]
    lease_end: float


class Bookkeeping(RuleBasedStateMachine):
    """What the gate, the reaper and the rebuild should have done, kept in plain dictionaries."""

    url: str
    template: Path
    directory: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock(BEGIN)
        self.folder = self.directory / "journals"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.engine = open_database(Path(shutil.copy(self.template, self.directory / "gateway.db")))
        self.client = connect(self.url)
        journal = Journal(self.folder)
        gate = SpendGate(self.client, lease_seconds=LEASE, journal=journal, clock=self.clock)
        self.desk = Desk(self.client, self.clock, gate, journal=journal)
        self.journals = Journals(self.folder, self.client, self.engine, lease_seconds=LEASE, clock=self.clock)
        self.counters: Counter[Place] = Counter()
        self.open: dict[str, Open] = {}
        self.charged: dict[str, CallRecord] = {}
        """Settled and reaped calls."""
        self.reaped: dict[str, Open] = {}
        self.in_ledger: set[str] = set()
        self.first_caps: tuple[Policy, ...] = ()

    def teardown(self) -> None:
        self.runner.run(self.client.aclose())
        if self.desk.journal:
            self.desk.journal.close()
        self.runner.close()
        self.engine.dispose()

    @initialize(
        drawn=st.lists(
            st.tuples(st.sampled_from(MATCHERS), st.sampled_from(WINDOWS), st.integers(0, 3000), st.booleans()), max_size=4
        )
    )
    def begin(self, drawn: list[tuple[dict[str, str], str, int, bool]]) -> None:
        self.runner.run(whole(self.client))
        self.first_caps = tuple(
            cap(nano_to_usd(nano), window, strict=strict, **matchers) for matchers, window, nano, strict in drawn
        )
        self.desk.policies = self.first_caps

    @rule(
        matchers=st.sampled_from(MATCHERS[:4]), window=st.sampled_from(WINDOWS), nano=st.integers(0, 3000), strict=st.booleans()
    )
    @precondition(lambda self: len(self.desk.policies) < 6)
    def make_a_cap(self, matchers: dict[str, str], window: str, nano: int, strict: bool) -> None:
        self.desk.policies = (*self.desk.policies, cap(nano_to_usd(nano), window, strict=strict, **matchers))

    @rule(seconds=st.sampled_from(STEPS))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(subject=st.sampled_from(SUBJECTS), worst=st.integers(0, 900), share=st.integers(0, 4), together=st.integers(1, 6))
    def calls_come(self, subject: Subject, worst: int, share: int, together: int) -> None:
        """Alike, and at once: whichever is first, so many of them are admitted."""
        self.desk.subject = subject
        expected = worst * share // 4
        records = [self.desk.call() for _ in range(together)]
        caps = caps_for(self.desk.policies, subject)
        amount = worst if any(one.strict for one in caps) else expected

        async def ask() -> list[bool]:
            asked = [self.desk.admit(record, expected=expected, worst=worst) for record in records]
            return [admission.admitted for admission in await asyncio.gather(*asked)]

        should = 0
        for _ in records:
            if all(self._room(one, worst) for one in caps):
                self._hold(caps, records[0].started_at, amount)
                should += 1
        admitted = [record for record, yes in zip(records, self.runner.run(ask()), strict=True) if yes]
        assert len(admitted) == should
        for record in admitted:
            self.open[record.id] = Open(record, amount, expected, worst, caps, self.clock.now + LEASE)

    @rule(number=st.integers(0, 20))
    @precondition(lambda self: self.open)
    def a_call_is_asked_for_again(self, number: int) -> None:
        call = self.open[_pick(self.open, number)]
        self.desk.subject = _subject(call.record)
        assert self.runner.run(self.desk.admit(call.record, expected=call.expected, worst=call.worst)).admitted

    @rule(number=st.integers(0, 20), share=st.integers(0, 4), times=st.integers(1, 3))
    @precondition(lambda self: self.open)
    def a_call_ends(self, number: int, share: int, times: int) -> None:
        call = self.open.pop(_pick(self.open, number))
        record = replace(call.record, cost_nano=call.worst * share // 4)

        async def settle() -> None:
            await asyncio.gather(*(self.desk.gate.settle(record) for _ in range(times)))

        self.runner.run(settle())
        self._charge(call, record)

    @rule(number=st.integers(0, 20))
    @precondition(lambda self: self.charged)
    def a_call_ends_once_more(self, number: int) -> None:
        record = self.charged[_pick(self.charged, number)]
        self.runner.run(self.desk.gate.settle_again(replace(record, cost_nano=777)))

    @rule()
    def leases_are_renewed(self) -> None:
        self.runner.run(self.desk.gate.renew([call.record for call in self.open.values()]))
        for call in self.open.values():
            call.lease_end = self.clock.now + LEASE

    @rule(at_once=st.integers(1, 3))
    def leases_are_reaped(self, at_once: int) -> None:
        due = [name for name, call in self.open.items() if call.lease_end <= self.clock.now]

        async def all_reap() -> int:
            return sum(await asyncio.gather(*(reap(self.client, ["o"], self.clock.now) for _ in range(at_once))))

        assert self.runner.run(all_reap()) == len(due)
        for name in due:
            self.reaped[name] = call = self.open.pop(name)
            self._charge(call, replace(call.record, cost_nano=call.expected))

    @rule()
    def the_recorder_writes(self) -> None:
        records = self.runner.run(self.desk.published())
        with writing(self.engine) as connection:
            insert_calls(connection, records)
        self.runner.run(self._forget_records())
        self.in_ledger |= {record.id for record in records}

    async def _forget_records(self) -> None:
        await self.client.delete(keys.calls_stream("o"))

    @rule()
    def redis_is_emptied(self) -> None:
        """Then the counters are rebuilt. A call that was reaped and not recorded is reserved again: its lease runs anew."""

        async def rebuild() -> None:
            await self.desk.noted()
            await self.client.flushall()
            at, policies = self.clock.now, self.desk.policies
            found = await compare(self.client, self.engine, "o", policies, at=at, meanwhile=self.journals.replay_all)
            assert await repair(self.client, found)

        self.runner.run(rebuild())
        for name in self.reaped.keys() - self.in_ledger:
            self.open[name] = self.reaped.pop(name)
            del self.charged[name]
        for call in self.open.values():
            call.lease_end = self.clock.now + LEASE
        self.counters = Counter()
        for record in self.charged.values():
            self._count(self._fields(record), record.started_at, record.cost_nano)
        for call in self.open.values():
            self._hold(call.caps, call.record.started_at, call.amount)

    @invariant()
    def the_counters_are_what_they_should_be(self) -> None:
        async def read() -> dict[Place, int]:
            found: dict[Place, int] = {}
            for window in WINDOWS:
                entries: Any = await self.client.hgetall(keys.spend("o", window, self.clock.now))
                name = window_id(window, self.clock.now)
                found |= {(window, name, text(field)): int(value) for field, value in entries.items() if int(value)}
            return found

        now = {(window, window_id(window, self.clock.now)) for window in WINDOWS}
        assert self.runner.run(read()) == {place: nano for place, nano in self.counters.items() if place[:2] in now and nano}

    @invariant()
    def no_strict_cap_is_overspent(self) -> None:
        for policy in self.first_caps:
            window, (one,) = policy.config["window"], [found for found in map(self._cap, [policy]) if found] or [None]
            if one and one.strict:
                assert self.counters[window, window_id(window, self.clock.now), one.field] <= one.limit_nano

    @rule()
    def nothing_drifts_from_the_ledger(self) -> None:
        found = self.runner.run(compare(self.client, self.engine, "o", self.first_caps, at=self.clock.now))
        assert found.drifted == ()

    def _cap(self, policy: Policy) -> Cap | None:
        return next((found for subject in SUBJECTS for found in caps_for((policy,), subject)), None)

    def _room(self, one: Cap, worst: int) -> bool:
        place = (one.window, window_id(one.window, self.clock.now))
        used = self.counters[*place, one.field] + self.counters[*place, f"held:{one.field}"]
        return used + (max(worst, 1) if one.strict else 1) <= one.limit_nano

    def _hold(self, caps: tuple[Cap, ...], at: float, amount: int) -> None:
        for window, field in {(one.window, one.field) for one in caps}:
            self.counters[window, window_id(window, at), f"held:{field}"] += amount

    def _charge(self, call: Open, record: CallRecord) -> None:
        self._hold(call.caps, record.started_at, -call.amount)
        self._count(self._fields(record), record.started_at, record.cost_nano)
        self.charged[record.id] = record

    def _count(self, fields: set[str], at: float, nano: int) -> None:
        for window in WINDOWS:
            for field in fields:
                self.counters[window, window_id(window, at), field] += nano

    def _fields(self, record: CallRecord) -> set[str]:
        who = (record.workspace_id, record.user_id, record.api_key_id)
        return {*base_fields("o", *who), *(found.field for found in caps_for(self.first_caps, _subject(record)))}


def _subject(record: CallRecord) -> Subject:
    return Subject("o", record.workspace_id or "", record.user_id, record.api_key_id)


def _pick(calls: Mapping[str, object], number: int) -> str:
    """One of them, in the order in which they came."""
    return list(calls)[number % len(calls)]


def test_any_order_of_events(redis_server: str, sqlite_template: Path, tmp_path: Path) -> None:
    class Here(Bookkeeping):
        url, template, directory = redis_server, sqlite_template, tmp_path

    quick = settings(
        max_examples=20,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.generate],  # shrinking would take minutes: what failed is printed as it was
    )
    run_state_machine_as_test(Here, settings=quick)
