"""Remembers whom a limit refused with a known end, so that asking again before that end costs next to nothing."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from policies.model import Subject
from sallyport.spend.admission import Block
from sallyport.store.snapshot import Snapshot

_REMEMBERED = 10_000
_Key = tuple[str, str, str | None, str | None, tuple[tuple[str, str], ...]]


class TurnedAway:
    """Forgets at the end of the limit, and at once when any policy, key or secret changes."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: OrderedDict[_Key, tuple[float, int, tuple[Block, ...]]] = OrderedDict()

    def remember(self, subject: Subject, snapshot: Snapshot, blocked: tuple[Block, ...]) -> None:
        """Only limits that hold for sure: calls in flight may yet give back what they reserved."""
        firm = [block.ends_at for block in blocked if block.firm]
        if not firm or len(firm) != len(blocked):
            return
        self._entries[_key(subject)] = (min(firm), snapshot.version, blocked)
        if len(self._entries) > _REMEMBERED:
            self._entries.popitem(last=False)

    def find(self, subject: Subject, snapshot: Snapshot) -> tuple[Block, ...]:
        """The limits that still hold, or nothing."""
        key = _key(subject)
        entry = self._entries.get(key)
        if entry is None:
            return ()
        until, version, blocked = entry
        if until <= self._clock() or version != snapshot.version:
            del self._entries[key]
            return ()
        return blocked


def _key(subject: Subject) -> _Key:
    headers = tuple(sorted(subject.headers.items()))
    return (subject.organization_id, subject.workspace_id, subject.user_id, subject.api_key_id, headers)
