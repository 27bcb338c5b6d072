"""Redactor: finds secrets and PII in texts and replaces them by placeholders, without blocking the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sallyport.redaction.ner_client import NerClient

_CACHE_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Redaction:
    """The texts as they may leave. Where `timed_out` or `failed`, secrets are still gone, but PII may be left: policy decides."""

    texts: list[str]
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Category → values replaced."""
    timed_out: bool = False
    failed: bool = False


class Redactor:
    """One for each process. `ner` None: names are not looked for, and asking for PII reports `failed`."""

    def __init__(self, ner: NerClient | None, cache_bytes: int = _CACHE_BYTES) -> None:
        self._ner = ner
        self._cache_bytes = cache_bytes

    async def warm(self) -> None:
        """Load the models of the NER processes now."""
        raise NotImplementedError

    async def redact(self, texts: Sequence[str], *, key: bytes, pii: bool, secrets: bool, deadline: float) -> Redaction:
        """Replace what is sensitive in `texts`, which are in reading order. `key` names placeholders; `deadline` is in `loop.time()`.

        Never raises because of a text; secrets are replaced whatever happens.
        """
        raise NotImplementedError
