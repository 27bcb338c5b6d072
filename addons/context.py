"""The call context: one typed object per call, passed down the pipeline as the flow's only metadata entry."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mitmproxy import http

from addons.destination import Destination
from addons.form import Form
from policies.model import Subject
from policies.spend_cap import Cap
from sallyport.providers.base import JsonObject, Operation, Provider, Upstream, WireFormat
from sallyport.providers.usage import Tally, Usage
from sallyport.providers.wire.openai_batch import BatchFile
from sallyport.redaction.answer import AnswerRedactor
from sallyport.redaction.restore import Restorer
from sallyport.spend.batch_files import Batch
from sallyport.store.fallbacks import Chain
from sallyport.store.snapshot import Key, Snapshot, Workspace
from sallyport.tracing.record import CallRecord
from sallyport.vault.key_pool import PooledKey

if TYPE_CHECKING:
    from addons.traced_content import AnswerCopy

_ENTRY = "sallyport.call"


_OF_THE_CALLER = ("snapshot", "provider", "upstream", "key", "presented", "workspace", "subject")


@dataclass(frozen=True, slots=True)
class Coded:
    """A body that came compressed."""

    coding: str
    came: bytes
    plain: bytes
    """What it says."""


@dataclass(slots=True)
class Call:
    """What the pipeline knows of one call so far; each addon fills in its part."""

    record: CallRecord
    snapshot: Snapshot
    """Everything is decided by the snapshot in force when the call came in."""
    started: float = field(default_factory=time.perf_counter)
    provider: Provider | None = None
    operation: Operation | None = None
    upstream: Upstream | None = None
    key: Key | None = None
    presented: str | None = None
    """The gateway key as the caller sent it, so that it can be taken out wherever it stands."""
    workspace: Workspace | None = None
    subject: Subject | None = None
    form: Form | None = None
    """The body is one, and streams."""
    body: JsonObject | None = None
    """What was read of it: its JSON, or its form's fields."""
    body_changed: bool = False
    coded: Coded | None = None
    plain: bytes | None = None
    """What was sent in that coding."""
    restorer: Restorer | None = None
    """What its answer gets back: values that were taken out of its request."""
    answer_redactor: AnswerRedactor | None = None
    """What is taken out of its answer, where a guard says so; it restores, too."""
    prepared: bool = False
    meter: Tally | None = None
    answer: AnswerCopy | None = None
    """Kept where the workspace wants to see what was answered."""
    batch_file: BatchFile | None = None
    """What is in the file that is uploaded."""
    batch: Batch | None = None
    """What the file holds that is submitted."""
    held_tokens: int = 0
    """Tokens that the model reads beside the body: a conversation that the provider holds (WebSockets)."""
    expected_nano: int = 0
    expected: Usage = field(default_factory=Usage)
    """What it will probably use."""
    caps: tuple[Cap, ...] = ()
    """The spend caps that hold for it."""
    reserved_nano: int = 0
    """What it holds of each of them."""
    stopped: bool = False
    """It was ended on its way, in form."""
    topping_up: bool = False
    """More is being asked for."""
    reserved: bool = False
    """A reservation is (or may be) held for it: its end is settled, not just published."""
    settled: bool = False
    chain: Chain | None = None
    then: tuple[Destination, ...] = ()
    """Where the chain leads if this attempt fails."""
    first_byte_timeout: float | None = None
    """Seconds after which another attempt is made where nothing of an answer has come; None: it is waited for."""
    pool: tuple[PooledKey, ...] = ()
    """The provider's keys that it could use, where there are several."""
    pooled_key: PooledKey | None = None
    """The one of them that it uses."""
    credential_headers: frozenset[str] = frozenset()
    """Names, in lower case, under which the provider's credential was put in."""
    sent: float | None = None
    """perf_counter when the request was ready to leave for the provider."""
    answered: float | None = None
    """perf_counter when the provider's answer began."""
    first_byte: float | None = None
    """perf_counter of the answer's first piece."""

    def another(self, record: CallRecord, **differs: Any) -> Call:
        """A further call of the same caller, by the snapshot of this one. `differs`: fields of it."""
        same: dict[str, Any] = {name: getattr(self, name) for name in _OF_THE_CALLER}
        return Call(record, **(same | differs))

    def without_key(self, text: str) -> str:
        """`text` as it may be recorded: clients put keys in the oddest places."""
        return text.replace(self.presented, "[GATEWAY_KEY]") if self.presented else text

    @property
    def generates(self) -> bool:
        """A model answers: the call is metered and paid for."""
        return self.operation is not None and self.operation.wire is not None

    @property
    def opens_socket(self) -> bool:
        """It asks for a WebSocket on which models answer."""
        return self.operation is not None and self.operation.socket is not None

    @property
    def shape(self) -> WireFormat | None:
        """How to read a request body that a model will read; it is checked before it is sent."""
        if self.operation is None or (self.operation.wire is None and self.record.method not in ("POST", "PUT", "PATCH")):
            return None
        return self.operation.wire or self.operation.shape

    @property
    def held_back(self) -> bool:
        """Nothing is sent before the body is there, and was looked at whole."""
        return self.shape is not None and self.form is None


def start_call(flow: http.HTTPFlow, call: Call) -> None:
    flow.metadata[_ENTRY] = call


def call_of(flow: http.HTTPFlow) -> Call | None:
    """The call of this flow; None for what is forwarded untouched (plain HTTP to hosts that are no provider's)."""
    return flow.metadata.get(_ENTRY)
