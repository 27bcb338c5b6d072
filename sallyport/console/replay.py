"""What a guard would have replaced in the calls of the past, where their bodies are recorded (`trace_content: redacted`).

A body is redacted wholly before it is stored, whatever guards held: what a guard would have replaced in it are the placeholders
of its kind, and what today's rules find beside them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from sallyport.redaction.ner_client import NerClient
from sallyport.redaction.placeholders import PATTERN
from sallyport.redaction.redactor import Redactor
from sallyport.redaction.spread import PERSONAL
from sallyport.redaction.trial import redact_with
from sallyport.store.call_tables import CallRow
from sallyport.store.roles import EVERYTHING, Scope

_EXAMPLES = 20
_OURS = "GATEWAY_KEY"
"""Taken out of every call, with a guard or without."""


@dataclass(slots=True)
class Replayed:
    """`calls`: recorded ones that were looked at; `changed`: of them those that the guard would have changed."""

    calls: int = 0
    changed: int = 0
    unfinished: int = 0
    """Calls whose names were not all looked for in time."""
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Category → values."""
    examples: list[str] = field(default_factory=list[str])
    """Ids of calls that would have been changed, the latest first."""


async def replay(
    engine: Engine,
    ner_sockets: list[Path],
    *,
    pii: bool,
    secrets: bool,
    seconds: float,
    scope: Scope = EVERYTHING,
    workspace_id: str | None,
    limit: int,
) -> Replayed:
    """Look at the latest `limit` recorded calls, as far as the scope goes. `seconds`: for each."""
    ner = NerClient(ner_sockets) if ner_sockets else None
    redactor, replayed = Redactor(ner), Replayed()
    try:
        for id, inputs in await asyncio.to_thread(_recorded, engine, scope, workspace_id, limit):
            found = Counter(match[1] for match in PATTERN.finditer(orjson.dumps(inputs).decode()))
            counts = Counter({c: n for c, n in found.items() if c != _OURS and (pii if c in PERSONAL else secrets)})
            trial = await redact_with(redactor, inputs, pii=pii, secrets=secrets, seconds=seconds)
            counts += Counter(trial.counts)
            replayed.calls += 1
            replayed.unfinished += trial.unfinished
            replayed.changed += bool(counts)
            replayed.counts = dict(Counter(replayed.counts) + counts)
            if counts and len(replayed.examples) < _EXAMPLES:
                replayed.examples.append(id)
    finally:
        if ner is not None:
            await ner.close()
    return replayed


def _recorded(engine: Engine, scope: Scope, workspace_id: str | None, limit: int) -> list[tuple[str, dict[str, Any]]]:
    known = (CallRow.inputs.is_not(None), *scope.where(CallRow.workspace_id))
    query = select(CallRow.id, CallRow.inputs).where(*known).order_by(CallRow.started_at.desc()).limit(limit)
    if workspace_id:
        query = query.where(CallRow.workspace_id == workspace_id)
    with Session(engine) as session:
        return [(id, cast("dict[str, Any]", inputs)) for id, inputs in session.execute(query) if isinstance(inputs, dict)]
