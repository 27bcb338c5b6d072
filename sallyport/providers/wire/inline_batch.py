"""A batch whose requests stand in it: answered later, for less.

Its receipt names no usage, so it is paid for by estimate at once: its input by its length, and all the output that it allows.

Anthropic: https://docs.claude.com/en/api/creating-message-batches; Gemini: https://ai.google.dev/gemini-api/docs/batch-api.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sallyport.providers.base import MOST_OUTPUT_TOKENS, JsonObject, WireFormat
from sallyport.providers.usage import File, Meter, Usage
from sallyport.providers.wire.meters import Uncounted, pick_meter
from sallyport.providers.wire.reading import obj, objects

UNCAPPED_OUTPUT_TOKENS = 4_096
"""What a request of a batch that has no output cap is taken to give."""


def batch_usage(size: int, caps: Sequence[int | None], *, worst: bool) -> Usage:
    """Of so many bytes of requests, one for each output cap."""
    uncapped = MOST_OUTPUT_TOKENS if worst else UNCAPPED_OUTPUT_TOKENS
    output = sum(uncapped if cap is None else cap for cap in caps)
    return Usage(size if worst else -(-size // 3), output, service_tier="batch")


class InlineBatch(WireFormat):
    name = "inline_batch"

    def __init__(self, of: WireFormat, requests: Callable[[JsonObject], list[JsonObject]]) -> None:
        """`of`: the format of each of the `requests` that stand in a body."""
        self._of = of
        self._requests = requests
        self.user_data_keys = of.user_data_keys

    def protects(self, key: str, parent: JsonObject) -> bool:
        return self._of.protects(key, parent) or (key == "custom_id" and isinstance(parent.get(key), str))

    def model(self, body: JsonObject) -> str | None:
        """The one that all of them name."""
        models = {self._of.model(request) for request in self._requests(body)}
        return models.pop() if len(models) == 1 else None

    def wants_stream(self, body: JsonObject) -> bool:
        return False

    def output_cap(self, body: JsonObject) -> int | None:
        return None

    def counted(self, body: JsonObject) -> bool:
        return bool(self._requests(body))  # else they stand in a file

    def estimate(self, body: JsonObject, size: int, files: Sequence[File], *, worst: bool) -> Usage:
        return batch_usage(size, [self._of.output_cap(request) for request in self._requests(body)], worst=worst)

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=Uncounted)


def anthropic_requests(body: JsonObject) -> list[JsonObject]:
    return [obj(entry, "params") for entry in objects(body.get("requests"))]


def gemini_requests(body: JsonObject) -> list[JsonObject]:
    """In camelCase and in snake_case, as Google's JSON reader takes both."""
    batch = obj(body, "batch")
    config = obj(batch, "inputConfig") or obj(batch, "input_config")
    return [obj(entry, "request") for entry in objects(obj(config, "requests").get("requests"))]
