"""What a batch will use is told from the file of its requests, when that is uploaded, and known again when it is submitted."""

from __future__ import annotations

from mitmproxy import http

from addons.context import Call, call_of
from addons.form import FormText
from addons.services import Services
from sallyport.providers.wire.openai_batch import BatchFile, OpenAIBatch
from sallyport.providers.wire.reading import text as text_of
from sallyport.spend.batch_files import Batch


class Batches:
    def __init__(self, services: Services) -> None:
        self._services = services

    def form_text(self, flow: http.HTTPFlow, text: FormText) -> None:
        call = call_of(flow)
        if text.is_field or call is None or call.provider is None or call.operation is None or call.operation.name != "files":
            return
        call.batch_file = call.batch_file or BatchFile()
        for line in text.content.splitlines():
            call.batch_file.add(line, call.provider.operation)

    async def call_complete(self, flow: http.HTTPFlow) -> None:
        """The provider has named the file; whoever hears of it may submit it at once."""
        call = call_of(flow)
        if call and call.batch_file and call.batch_file.file_id and call.batch_file.caps:
            file = call.batch_file
            batch = Batch(file.model and call.without_key(file.model), file.usage(worst=False), file.usage(worst=True))
            await self._services.batch_files.remember(*_whose(call), file.file_id or "", batch)

    async def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if flow.response or call is None or call.operation is None or not isinstance(call.operation.wire, OpenAIBatch):
            return
        file_id = text_of(call.body or {}, "input_file_id")
        call.batch = await self._services.batch_files.recall(*_whose(call), file_id) if file_id else None
        if call.batch:
            call.record.model = call.batch.model


def _whose(call: Call) -> tuple[str | None, str]:
    return call.record.organization_id, call.record.provider or ""
