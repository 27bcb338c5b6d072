"""Answers in the providers' documented formats, each with its price worked out by hand, and what the gateway makes of them.

`data/*.toml` holds them, one file a vendor. `by_hand` is a sum of products, tokens × nano-dollars a token.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import orjson

from addons.charge import charge
from addons.context import Call
from sallyport.providers import PROVIDERS
from sallyport.providers.wire.eventstream import encode_frame
from sallyport.spend.estimate import OutputEstimator
from sallyport.store.snapshot import Snapshot
from sallyport.tracing.record import CallRecord

_DATA = Path(__file__).parent / "data"
_DAY = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
"""On which all are priced: lists change."""
_PIECE = 7
"""Bytes in which an answer is fed to its meter: no boundary of an event, a character or a frame falls together with it."""
_FRAMES = "application/vnd.amazon.eventstream"
_FORMATS = {"application/json": "JSON", "text/event-stream": "SSE", _FRAMES: "event stream", "application/x-ndjson": "lines"}


@dataclass(frozen=True, slots=True)
class Case:
    """One call. `answer` is what the provider sends, byte for byte."""

    provider: str
    name: str
    path: str
    request: dict[str, Any]
    content_type: str
    answer: bytes
    by_hand: str
    headers: dict[str, str] = field(default_factory=dict[str, str])
    unpriced: bool = False

    @property
    def format(self) -> str:
        return _FORMATS[self.content_type]

    @property
    def expected_nano(self) -> int:
        """`by_hand`, rounded half up once."""
        products = (term.split("×") for term in self.by_hand.split("+"))
        total = sum((Decimal(count.strip()) * Decimal(rate.strip()) for count, rate in products), Decimal(0))
        return int(total.quantize(Decimal(1), ROUND_HALF_UP))

    def charged(self) -> CallRecord:
        """The record of this call as the pipeline closes it."""
        operation = PROVIDERS[self.provider].operation("POST", self.path)
        if operation is None or operation.wire is None:
            raise LookupError(f"{self.provider} has no model at {self.path}")
        wire, body = operation.wire, dict(self.request)
        record = CallRecord(id="case", started_at=_DAY, provider=self.provider, status=200)
        record.model = operation.model or wire.model(body)
        call = Call(record, Snapshot(), operation=operation)
        call.prepared = wire.prepare(body)
        call.meter = wire.meter(status=200, headers={**self.headers, "content-type": self.content_type}, prepared=call.prepared)
        for start in range(0, len(self.answer), _PIECE):
            call.meter.feed(self.answer[start : start + _PIECE])
        call.meter.finish()
        charge(call, OutputEstimator())
        return record


def cases() -> Iterator[Case]:
    """All of them, by file and in its order."""
    for path in sorted(_DATA.glob("*.toml")):
        for entry in tomllib.loads(path.read_text())["case"]:
            content_type, answer = _answer(entry)
            yield Case(
                provider=entry.get("provider", path.stem),
                name=entry["name"],
                path=entry["path"],
                request=orjson.loads(entry["request"]),
                content_type=content_type,
                answer=answer,
                by_hand=entry["by_hand"],
                headers=entry.get("headers", {}),
                unpriced=entry.get("unpriced", False),
            )


def _answer(entry: dict[str, Any]) -> tuple[str, bytes]:
    """Its content type and its bytes. `frames` are event-stream messages; `chunks` the JSON that InvokeModel puts in them."""
    chunks = [{"bytes": base64.b64encode(chunk.encode()).decode()} for chunk in entry.get("chunks", ())]
    frames = [("chunk", orjson.dumps(chunk)) for chunk in chunks] or [
        (kind, payload.encode()) for kind, payload in entry.get("frames", ())
    ]
    if frames:
        return _FRAMES, b"".join(_frame(kind, payload) for kind, payload in frames)
    return entry.get("content_type", "application/json"), entry["answer"].encode()


def _frame(kind: str, payload: bytes) -> bytes:
    return encode_frame({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, payload)
