"""Redacts a parsed JSON document in place: every string that a model would read, whatever the provider calls its field."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from sallyport.redaction.redactor import Redactor


@dataclass(slots=True)
class DocumentResult:
    """`changed`: something was replaced. `timed_out`, `failed`: as in `Redaction`."""

    changed: bool = False
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Category → values replaced."""
    timed_out: bool = False
    failed: bool = False


async def redact_document(
    document: Any,
    redactor: Redactor,
    *,
    key: bytes,
    protected: AbstractSet[str],
    pii: bool,
    secrets: bool,
    deadline: float,
) -> DocumentResult:
    """Redact all strings of `document` (a dict or list) in place, save the values under `protected` object keys.

    Strings that are JSON objects or arrays themselves (tool arguments) are redacted inside, their other bytes kept.
    """
    raise NotImplementedError
