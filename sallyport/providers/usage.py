"""What an answer has used as its provider bills it, and what reads that from the answer as it streams by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(slots=True)
class Usage:
    """Tokens of one call as the provider bills them.

    `input_tokens` is all input, cached tokens (read and written) included; `output_tokens` is all output, reasoning included.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0  # all cache writes, of which …
    cache_write_1h_tokens: int = 0  # … this many with a one-hour life
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    web_searches: int = 0
    """Searches that the provider made for the model and bills by the piece."""
    service_tier: str | None = None
    """In which tier the call was served, as the answer names it (`default`, `flex`, `priority`, `batch`); prices may differ."""
    input_image_tokens: int = 0
    output_image_tokens: int = 0
    input_video_tokens: int = 0
    output_video_tokens: int = 0
    cache_read_audio_tokens: int = 0  # of the tokens read from the cache; `input_audio_tokens` has them too
    cache_read_image_tokens: int = 0
    file_searches: int = 0
    """Searches in the caller's own files, billed by the piece too."""
    citation_tokens: int = 0
    """Of sources that the provider read for the model and bills beside input and output (Perplexity)."""
    audio_ms: int = 0
    """Milliseconds of sound, where it is billed by its length and not by tokens."""


@dataclass(slots=True)
class File:
    """A file in a form, as far as it has come."""

    name: str
    """Of its field."""
    size: int = 0
    """Bytes."""
    head: bytes = b""
    """Its first bytes, which tell what it is."""
    ended: bool = False


class Tally:
    """What an answer has used, as far as it was read."""

    usage: Usage | None = None
    """The provider's own final count; None as long as none was seen."""
    partial: Usage | None = None
    """What the provider has counted so far (Anthropic names the input in the first event): a floor when the stream dies."""
    model: str | None = None
    """The model that answered, as the response names it."""
    complete: bool = False
    """The terminal event (or the whole JSON body) has been seen; nothing billable follows."""
    failed: bool = False
    """The provider ended its answer by an error: it could not finish it."""
    output_chars: int = 0
    """Characters of generated text seen so far: the basis of an estimate when the stream dies."""
    reasoned: bool = False
    """The model has thought, and shows of it nothing or a summary: the characters do not tell how much."""


class Meter(Tally, ABC):
    """Reads one response as it streams by. Never buffers a stream; keeps at most one incomplete event."""

    @abstractmethod
    def feed(self, data: bytes) -> bytes:
        """Take response bytes (content-encoding removed), return the bytes the client should get (usually the same)."""

    def finish(self) -> bytes:
        """The response ended: return what is still held back."""
        return b""

    @property
    def unfinished(self) -> int:
        """Bytes, among those passed on, of an event whose end has not come: a stream can be ended before them only."""
        return 0

    def ending(self, message: str, usage: Usage) -> bytes | None:
        """What ends a stream in form, after its last whole event: `message` for a person to read, `usage` as what it used.

        None where the answer is no stream, or is ending by itself.
        """
        return None
