"""What the markers in a prompt ask for, and the answer that follows from them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

_MARKER = re.compile(r"\[\[([a-z-]+)(?::(\d+))?\]\]")
_WORDS = ("This", "answer", "comes", "from", "the", "stand-in", "and", "is", "always", "the", "same.")
_PIECES = re.compile(r"\S+\s*|\s+")
TOOL_ARGUMENTS = {"location": "Paris"}
_INSTRUCTING = ("system", "developer")  # an agent may put instructions behind the prompt that it passes on


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt: who says it, and its text."""

    role: str
    text: str


class Refusal(Exception):
    """The provider answers with an error. `code` is its own word for it, where the status alone leaves that open."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of a call. `input` and `output` hold all of them, cached and reasoned ones too."""

    input: int
    output: int
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Script:
    """How one call goes, on the wire and in its content. See the package's docstring for the markers."""

    pieces: tuple[str, ...]
    """The answer's text, a word with the space after it each: what a stream sends as deltas."""
    counts: Counts
    tool: str | None = None
    """The name of the tool to call instead of answering with text."""
    truncated: bool = False
    """The request's output limit cut the answer."""
    usage: bool = True
    delay: float = 0.0
    """Seconds before each event."""
    die_after: int | None = None
    error_after: int | None = None
    hang: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def count_words(*texts: str) -> int:
    return sum(len(text.split()) for text in texts)


def write_script(messages: list[Message], *, limit: int | None = None, tools: list[str] | None = None) -> Script:
    """The script for a prompt. `limit` is the most output tokens the request allows, `tools` the names it declares.

    Raises Refusal where the prompt asks for an error.
    """
    last = next((message.text for message in reversed(messages) if message.role not in _INSTRUCTING), "")
    markers = {name: int(value) if value else None for name, value in _MARKER.findall(last)}
    if status := markers.get("status"):
        raise Refusal(status, f"the stand-in was asked to answer {status}")
    pieces = _pieces(last if "echo" in markers else None, markers.get("length"))
    truncated = limit is not None and limit < len(pieces) and "heedless" not in markers
    pieces = pieces[:limit] if truncated else pieces
    cached, cache_write, reasoning = (markers.get(name) or 0 for name in ("cached", "cache-write", "reasoning"))
    words_in = markers.get("in") or max(1, count_words(*(message.text for message in messages)))
    words_out = markers.get("out") or max(1, len(pieces))
    return Script(
        pieces=tuple(pieces),
        counts=Counts(words_in + cached + cache_write, words_out + reasoning, cached, cache_write, reasoning),
        tool=(tools[0] if tools else "get_weather") if "tool" in markers else None,
        truncated=truncated,
        usage="no-usage" not in markers,
        delay=(markers.get("delay-ms") or 0) / 1000,
        die_after=markers.get("die-after"),
        error_after=markers.get("error-after"),
        hang="hang" in markers,
    )


def _pieces(echo: str | None, length: int | None) -> list[str]:
    if echo is not None:
        return _PIECES.findall(echo)
    words = list(itertools.islice(itertools.cycle(_WORDS), len(_WORDS) if length is None else length))
    return [*(word + " " for word in words[:-1]), *words[-1:]]


def text_of(content: object) -> str:
    """All text in a message's content, whatever the family: a string, parts with `text`, or a list of such."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        items: list[object] = content  # pyright: ignore[reportUnknownVariableType] - JSON
        return "\n".join(filter(None, map(text_of, items)))
    if isinstance(content, dict):
        fields: dict[str, object] = content  # pyright: ignore[reportUnknownVariableType] - JSON
        return next((text_of(fields[key]) for key in ("text", "parts", "content") if key in fields), "")
    return ""
