"""`/v1/spend`: what was spent, by whom or on what."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import Field

from sallyport.console.api.types import Answer, Filter, ListOf, TimeIn, seconds
from sallyport.console.auth import require_admin
from sallyport.console.context import ConsoleDep
from sallyport.console.errors import responses
from sallyport.money import nano_to_usd
from sallyport.spend import ledger
from sallyport.spend.windows import window_start

router = APIRouter(prefix="/v1/spend", tags=["spend"], dependencies=[Depends(require_admin)], responses=responses(400, 401, 503))

Group = Literal["organization", "workspace", "user", "api_key", "model", "provider"]
Window = Literal["hourly", "daily", "weekly", "monthly"]


class SpendRow(Answer):
    group: str | None = Field(description="The id, or the name of the model or provider; null: calls that have none.")
    name: str | None = Field(examples=["default"])
    spend_usd: str = Field(description="Exact to the nano-dollar.", examples=["1.204"])
    calls: int = Field(examples=[311])
    input_tokens: int = Field(examples=[801223])
    output_tokens: int = Field(examples=[91022])


def narrowed_by(
    organization_id: Filter = None,
    workspace_id: Filter = None,
    user_id: Filter = None,
    api_key_id: Filter = None,
    provider: Filter = None,
    model: Filter = None,
) -> ledger.CallFilters:
    return ledger.CallFilters(
        organization_id=organization_id,
        workspace_id=workspace_id,
        user_id=user_id,
        api_key_id=api_key_id,
        provider=provider,
        model=model,
    )


@router.get("", response_model=ListOf[SpendRow])
def get_spend(
    console: ConsoleDep,
    filters: Annotated[ledger.CallFilters, Depends(narrowed_by)],
    group_by: Group = "organization",
    window: Annotated[Window | None, Query(description="The whole current calendar window, UTC; weeks start on Monday.")] = None,
    from_: Annotated[TimeIn | None, Query(alias="from", description="Calls that started at this time or later.")] = None,
    to: Annotated[TimeIn | None, Query(description="Calls that started before this time.")] = None,
) -> dict[str, Any]:
    """Rollups, dearest first. Without `window`, `from` and `to`: the current month."""
    start, end = seconds(from_), seconds(to)
    if window is not None and (start is not None or end is not None):
        raise HTTPException(400, "window: give either a window, or from and to")
    if start is not None and end is not None and start >= end:
        raise HTTPException(400, "from: must be before to")
    if start is None and end is None:
        start = window_start(window or "monthly", time.time())
    rows = ledger.rollup(console.store.engine, group_by, replace(filters, start=start, end=end))
    return {"items": [_row(row) for row in rows]}


def _row(row: ledger.Rollup) -> dict[str, Any]:
    return {
        "group": row.group,
        "name": row.name,
        "spend_usd": nano_to_usd(row.spend_nano),
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
    }
