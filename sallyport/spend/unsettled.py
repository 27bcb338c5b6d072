"""Settlements that Redis could not take: a worker tries them again until it does."""

from __future__ import annotations

from sallyport.spend import rejected
from sallyport.spend.gate import Rejected, SpendGate, StoreUnavailable
from sallyport.tracing.record import CallRecord

_TRIES = 10


class Unsettled:
    """Of one worker. One that Redis rejects holds up no other; after ten tries it is left to the journal (see `replay`)."""

    def __init__(self) -> None:
        self._waiting: dict[str, CallRecord] = {}
        self._rejected: dict[str, int] = {}
        """How often, by call id."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, record: CallRecord, why: StoreUnavailable) -> None:
        self._waiting[record.id] = record
        if isinstance(why, Rejected):
            rejected.tell(record.id, record.organization_id, why)

    async def settle(self, gate: SpendGate) -> None:
        """Try all again. Raises StoreUnavailable: the rest waits on."""
        for call_id, record in list(self._waiting.items()):
            try:
                await gate.settle_again(record)
            except Rejected as error:
                rejected.tell(call_id, record.organization_id, error)
                self._rejected[call_id] = self._rejected.get(call_id, 0) + 1
                if self._rejected[call_id] < _TRIES:
                    continue
            self._rejected.pop(call_id, None)
            del self._waiting[call_id]
