"""The shape of a refusal that a client shows at once, where the plain one makes it retry in silence or hide the text.

The plain shape is the contract's: 401, 402, 403, 429 or 503. Each exception was measured with the real client; the table is in
`docs/clients.md`. They are chosen by user agent, here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_WORTH_WAITING = 2
"""Seconds. What ends sooner is left to the client's own retry; for anything longer the person is told at once."""


_TELLING = re.compile(
    "429|50[0234]|524|rate[ _-]limit|too many requests|overloaded|service[ _-]unavailable|(?:internal|server)[ _-]error"
    "|resource[ _]exhausted|try again (?=later|in)",
    re.IGNORECASE,
)
"""Words by which opencode takes an error, of whatever status, for one that passes. A policy's name may hold any of them."""
_UNSEEN = "\u2060"  # WORD JOINER: has no width


@dataclass(frozen=True, slots=True)
class Shape:
    """How a refusal goes out. `retry` is False where the client is told not to try by itself."""

    status: int
    message: str
    retry: bool


@dataclass(frozen=True, slots=True)
class _Exception:
    """`statuses`: what the contract says → what this client shows at once. It holds for one provider, or for all."""

    agent: str
    """What its User-Agent holds, in lower case."""
    statuses: Mapping[int, int]
    provider: str | None = None
    reads_message: bool = False
    """It judges by the message, too, whether to retry."""


_EXCEPTIONS = (
    # retries 401, 402, 403 and 503, and puts its own text in a 429's place
    _Exception("codex", {401: 400, 402: 400, 403: 400, 429: 400, 503: 400}),
    # asks again without streaming after a 503, and on Bedrock takes a 403 for expired AWS credentials
    _Exception("claude-cli", {503: 400}, provider="anthropic"),
    _Exception("claude-cli", {403: 402}, provider="bedrock"),
    # know no x-should-retry, and retry a 429 or 503: the agents for minutes, LangChain's Gemini for half of one, boto3 twice
    _Exception("geminicli", {429: 400, 503: 400}),
    _Exception("opencode", {429: 400, 503: 400}, reads_message=True),
    _Exception("langchain-google-genai", {429: 400, 503: 400}),
    _Exception("boto3", {429: 400, 503: 400}),
)


_FALL_BACK = ("codex",)
"""Who asks over HTTPS at once when a WebSocket's handshake is answered 426, and shows that answer; any other it tries again."""


def shape_for(agent: str, provider: str | None, status: int, message: str, retry_after: int | None) -> Shape:
    """`agent` is the request's User-Agent; the rest is the contract's. `retry_after` in seconds; None: waiting won't help."""
    if retry_after is not None and retry_after <= _WORTH_WAITING:
        return Shape(status, message, retry=True)
    agent = agent.lower()
    for exception in _EXCEPTIONS:
        if exception.agent in agent and exception.provider in (None, provider):
            status = exception.statuses.get(status, status)
            message = _TELLING.sub(_split, message) if exception.reads_message else message
    return Shape(status, message, retry=False)


def falls_back(agent: str) -> bool:
    """Whether this client, refused a WebSocket, is to be told so on the request that it then makes over HTTPS."""
    return agent.lower().startswith(_FALL_BACK)


def _split(match: re.Match[str]) -> str:
    return match[0][0] + _UNSEEN + match[0][1:]
