"""What was asked and answered, as a workspace that asks for it (`trace_content: redacted`) finds it in its records.

The one place where a body enters a record: it is redacted wholly here, whatever the guards of this caller look for, or left out.
"""

from __future__ import annotations

import asyncio
import copy
import logging

from addons.context import Call
from sallyport.providers.base import JsonObject
from sallyport.providers.whole import whole_answer
from sallyport.redaction.document import redact_document
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.redactor import Redactor

logger = logging.getLogger(__name__)

_SECONDS = 2.0
_MOST_BYTES = 2 * 1024 * 1024


class AnswerCopy:
    """An answer as it streamed by, its content coding undone; nothing of one that is too large."""

    def __init__(self, wire: str, media_type: str) -> None:
        self._wire = wire
        self._media_type = media_type
        self._data = bytearray()
        self._too_large = False

    def add(self, data: bytes) -> None:
        self._too_large = self._too_large or len(self._data) + len(data) > _MOST_BYTES
        if self._too_large:
            self._data.clear()
        else:
            self._data += data

    def whole(self) -> JsonObject | None:
        """Takes milliseconds where much was said: not for the event loop."""
        return whole_answer(self._wire, self._media_type, bytes(self._data)) if self._data else None


class TracedContent:
    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    async def note_inputs(self, call: Call) -> None:
        if is_traced(call) and call.body is not None:
            call.record.inputs = await self._redacted(call, copy.deepcopy(call.body))

    async def note_outputs(self, call: Call) -> None:
        """Before the call is settled, which its last event waits for only shortly."""
        if call.answer is not None:
            copied, call.answer = call.answer, None
            try:
                answer = await asyncio.to_thread(copied.whole)
                call.record.outputs = None if answer is None else await self._redacted(call, answer)
            except Exception as error:  # noqa: BLE001, RUF100 - whatever is wrong with it, the call is settled
                logger.warning("the answer of call %s can't be traced: %s", call.record.id, type(error).__name__)

    async def _redacted(self, call: Call, body: JsonObject) -> JsonObject | None:
        if call.workspace is None or call.shape is None:
            return None
        result = await redact_document(
            body,
            self._redactor,
            names=Placeholders(bytes.fromhex(call.workspace.placeholder_key.reveal())),
            protects=call.shape.protects,
            user_data=call.shape.user_data_keys,
            pii=True,
            secrets=True,
            deadline=asyncio.get_running_loop().time() + _SECONDS,
        )
        return None if result.timed_out or result.failed else body


def is_traced(call: Call) -> bool:
    return call.workspace is not None and call.workspace.trace_content == "redacted"
