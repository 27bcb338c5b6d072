"""What the recorder feeds beside the ledger."""

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
