"""OpenAI's batches (https://platform.openai.com/docs/api-reference/batch): requests in a file that was uploaded before.

What they will use is told from the file, as it is uploaded; the batch itself only names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sallyport.providers.base import JsonObject, Operation
from sallyport.providers.usage import File, Meter, Usage
from sallyport.providers.wire.inline_batch import batch_usage
from sallyport.providers.wire.meters import Uncounted, pick_meter
from sallyport.providers.wire.reading import decode, obj, text
from sallyport.providers.wire.stored import Stored


class OpenAIBatch(Stored):
    name = "openai_batch"

    def model(self, body: JsonObject) -> str | None:
        return None

    def counted(self, body: JsonObject) -> bool:
        return False

    def estimate(self, body: JsonObject, size: int, files: Sequence[File], *, worst: bool) -> Usage:
        return Usage()  # of a file that nobody saw

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=Uncounted)


@dataclass(slots=True)
class BatchFile:
    """What is in a batch's file, as far as it has come."""

    models: set[str | None] = field(default_factory=set[str | None])
    caps: list[int | None] = field(default_factory=list[int | None])
    """The output cap of each request."""
    size: int = 0
    file_id: str | None = None
    """As the provider named it, in answer to its upload."""

    def add(self, line: bytes, operation: Callable[[str, str], Operation | None]) -> None:
        """A line that asks for nothing of `operation`'s (by method and path) is none of a batch's."""
        request = obj(decode(line))
        asked, body = operation("POST", text(request, "url") or ""), obj(request, "body")
        if asked is None or asked.wire is None or not body:
            return
        self.models.add(asked.wire.model(body))
        self.caps.append(asked.wire.output_cap(body))
        self.size += len(line)

    @property
    def model(self) -> str | None:
        """The one that all of its requests name."""
        return next(iter(self.models)) if len(self.models) == 1 else None

    def usage(self, *, worst: bool) -> Usage:
        return batch_usage(self.size, self.caps, worst=worst)
