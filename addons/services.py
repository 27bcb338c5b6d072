"""What the addons of one worker share."""

from __future__ import annotations

from dataclasses import dataclass, field

from addons.context import Call
from addons.held_values import HeldValues
from addons.langsmith_callers import LangSmithCallers
from sallyport.redaction.redactor import Redactor
from sallyport.settings import Settings
from sallyport.spend.batch_files import BatchFiles
from sallyport.spend.estimate import OutputEstimator
from sallyport.spend.gate import SpendGate
from sallyport.spend.unsettled import Unsettled
from sallyport.store.snapshot import Snapshot
from sallyport.tracing.record import CallRecord
from sallyport.vault.key_pool import Resting


@dataclass(slots=True)
class Services:
    """`snapshot` is replaced whole by the worker when a change is published."""

    settings: Settings
    spend: SpendGate
    batch_files: BatchFiles
    redactor: Redactor
    langsmith: LangSmithCallers | None = None
    """Who knows callers that present LangSmith keys; None: nobody."""
    snapshot: Snapshot = field(default_factory=Snapshot)
    held: HeldValues = field(default_factory=HeldValues)
    """The secrets of `snapshot`, as they are looked for in what callers send."""
    resting: Resting = field(default_factory=Resting)
    """Providers' keys that were turned away."""
    output: OutputEstimator = field(default_factory=OutputEstimator)
    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    """Calls in flight, by id: their leases are renewed, and a drain waits for them."""
    unpublished: list[CallRecord] = field(default_factory=list[CallRecord])
    """Records that hold no reservation (refusals, side paths), published in batches."""
    unsettled: Unsettled = field(default_factory=Unsettled)
    """Settlements the store could not take yet; tried again until it does."""
