"""Tries what a guard would do on a text, or on a request's JSON, without a call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sallyport.redaction.document import Place, redact_document
from sallyport.redaction.ner_client import NerClient
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.redactor import Redactor

_KEY = b"a trial: placeholders of no workspace"
_DATA = frozenset({"arguments", "args", "input"})


@dataclass(frozen=True, slots=True)
class Trial:
    """`text` as it would leave, and what was found in it. `unfinished`: names were not all looked for."""

    text: str
    places: list[Place]
    counts: dict[str, int]
    unfinished: bool


async def try_on(text: str, ner_sockets: Sequence[Path], *, pii: bool, secrets: bool, seconds: float) -> Trial:
    """A JSON object is looked at as a request, any other `text` as one string. `seconds`: as a guard's `timeout_seconds`."""
    ner = NerClient(ner_sockets) if ner_sockets else None
    try:
        request = _request(text)
        document: dict[str, Any] = {"text": text} if request is None else request
        trial = await redact_with(Redactor(ner), document, pii=pii, secrets=secrets, seconds=seconds)
        shown = document["text"] if request is None else orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
        return Trial(shown, trial.places, trial.counts, trial.unfinished)
    finally:
        if ner is not None:
            await ner.close()


async def redact_with(redactor: Redactor, document: dict[str, Any], *, pii: bool, secrets: bool, seconds: float) -> Trial:
    """The same on a parsed request, which is changed; its text is left out."""
    deadline = asyncio.get_running_loop().time() + seconds
    result = await redact_document(
        document,
        redactor,
        names=Placeholders(_KEY),
        protects=lambda key, parent: key in ("id", "model", "role", "type", "signature", "data") and isinstance(parent[key], str),
        user_data=_DATA,
        pii=pii,
        secrets=secrets,
        deadline=deadline,
    )
    return Trial("", result.places, result.counts, result.timed_out or result.failed)


def _request(text: str) -> dict[str, Any] | None:
    try:
        document: Any = orjson.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None  # pyright: ignore[reportUnknownVariableType] - JSON
