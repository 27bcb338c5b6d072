"""What the recorder feeds beside the ledger: sinks at once, trace sinks by the outbox (see `relay`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sallyport.tracing.record import CallRecord


class Sink(Protocol):
    """Takes records that are already in the ledger. It may see one twice (after a crash) and must not mind.

    Whatever it raises is logged and held against it alone; the ledger goes on.
    """

    async def write(self, records: Sequence[CallRecord]) -> None:
        """Take the records in and return at once; delivery is the sink's own business."""
        ...

    async def close(self) -> None:
        """Deliver what a few seconds allow, then stop."""
        ...


class UnavailableError(Exception):
    """The sink's far end takes nothing at present; says what it answered, and nothing of a key."""


class RejectedError(Exception):
    """The sink's far end does not take one of these records, and never will."""


class TraceSink(Protocol):
    """Where traces go. It may be given one twice (after a crash) and must not mind."""

    name: str

    def lane(self, record: CallRecord) -> str | None:
        """The place this record goes to; None: nowhere. Called on the event loop and in threads: answers from memory."""
        ...

    def send(self, lane: str, records: Sequence[CallRecord]) -> None:
        """Deliver them. Blocks; called in a thread, for one lane once at a time.

        Raises RejectedError for a record that will never be taken, UnavailableError (or anything else) for what may pass.
        """
        ...
