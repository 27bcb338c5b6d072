"""`/v1/redactions`: what a guard would do, tried on a text or on recorded calls. Nothing of it is stored or logged."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sallyport.console.auth import Reader
from sallyport.console.context import Console, ConsoleDep
from sallyport.console.errors import responses
from sallyport.console.replay import replay
from sallyport.paths import DataDir
from sallyport.redaction.trial import Trial, try_on

router = APIRouter(prefix="/v1/redactions", tags=["redactions"], responses=responses(400, 401, 403, 503))
LONGEST = 100_000
"""Characters that can be tried at once."""

Seconds = Annotated[float, Field(ge=0.1, le=30, description="As a guard's `timeout_seconds`.")]


class Detect(BaseModel):
    pii: bool = True
    secrets: bool = True
    timeout_seconds: Seconds = 10


class TrialIn(Detect):
    text: str = Field(max_length=LONGEST, description="A text, or a request's JSON.", examples=["mail ada@example.com"])


class PlaceOut(BaseModel):
    where: str = Field(description="A JSON pointer; `/text` of what is no JSON.")
    category: str
    count: int


class TrialOut(BaseModel):
    text: str = Field(description="As it would leave.", examples=["mail [SAFE_TO_USE:EMAIL_aB3dE5gH]"])
    places: list[PlaceOut]
    unfinished: bool = Field(description="Names were not all looked for: no process was there, or not in time.")


class ReplayIn(Detect):
    workspace_id: str | None = None
    limit: int = Field(default=100, ge=1, le=1000, description="So many of the latest recorded calls.")


class ReplayOut(BaseModel):
    calls: int = Field(description="Recorded calls that were looked at: those of workspaces with `trace_content: redacted`.")
    changed: int = Field(description="Of them those that the guard would have changed.")
    unfinished: int
    counts: dict[str, int] = Field(examples=[{"EMAIL": 12}])
    examples: list[str] = Field(description="Ids of calls that would have been changed.")


@router.post("/trial", response_model=TrialOut)
async def trial(console: ConsoleDep, _admin: Reader, given: TrialIn) -> dict[str, Any]:
    """What a guard would make of a text. Placeholders are of no workspace."""
    return asdict(await try_text(console, given.text, pii=given.pii, secrets=given.secrets, seconds=given.timeout_seconds))


@router.post("/replay", response_model=ReplayOut)
async def replay_calls(console: ConsoleDep, admin: Reader, given: ReplayIn) -> dict[str, Any]:
    """What a guard would have replaced in the latest recorded calls, before it is switched on."""
    replayed = await replay(
        admin.store.engine,
        DataDir(console.settings.data_dir).ner_sockets(console.settings.ner_workers),
        pii=given.pii,
        secrets=given.secrets,
        seconds=given.timeout_seconds,
        scope=admin.scope,
        workspace_id=given.workspace_id,
        limit=given.limit,
    )
    return asdict(replayed)


async def try_text(console: Console, text: str, *, pii: bool, secrets: bool, seconds: float = 10) -> Trial:
    sockets = DataDir(console.settings.data_dir).ner_sockets(console.settings.ner_workers)
    return await try_on(text, sockets, pii=pii, secrets=secrets, seconds=seconds)
