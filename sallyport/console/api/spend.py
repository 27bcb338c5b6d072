"""`/v1/spend`: what was spent, by whom or on what."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Filter, ListOf, Time, TimeIn, seconds
from sallyport.console.auth import Reader
from sallyport.console.errors import responses
from sallyport.csv_text import MEDIA_TYPE, csv_text
from sallyport.spend import ledger
from sallyport.spend.ledger.rollups import COLUMNS, Interval, period

router = APIRouter(prefix="/v1/spend", tags=["spend"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)

Window = Literal["hourly", "daily", "weekly", "monthly"]


class SpendRow(Answer):
    start: Time = Field("", description="With `interval`: the beginning of this hour or day.")
    group: str | None = Field(
        description="The id, the name of the model or provider, or the header's value; null: calls that have none."
    )
    name: str | None = Field(examples=["default"])
    spend_usd: str = Field(description="Exact to the nano-dollar.", examples=["1.204"])
    notional_usd: str = Field(
        description="What calls that a subscription paid for would have cost: no spend, and in no budget.", examples=["0"]
    )
    calls: int = Field(examples=[311])
    input_tokens: int = Field(examples=[801223])
    output_tokens: int = Field(examples=[91022])


def narrowed_by(
    admin: Reader,
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
        scope=admin.scope,
    )


@router.get(
    "",
    response_model=ListOf[SpendRow],
    response_model_exclude_unset=True,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_spend(
    request: Request,
    admin: Reader,
    filters: Annotated[ledger.CallFilters, Depends(narrowed_by)],
    group_by: Annotated[
        str, Query(max_length=200, description=f"{', '.join(ledger.GROUPS)}, or `header:<name>` for an `X-Gateway-*` header.")
    ] = "organization",
    window: Annotated[Window | None, Query(description="The whole current calendar window, UTC; weeks start on Monday.")] = None,
    from_: Annotated[TimeIn | None, Query(alias="from", description="Calls that started at this time or later.")] = None,
    to: Annotated[TimeIn | None, Query(description="Calls that started before this time.")] = None,
    interval: Annotated[
        Interval | None, Query(description="A row for each interval (UTC), the oldest first; those without calls are left out.")
    ] = None,
    format: Annotated[Literal["json", "csv"] | None, Query(description="Or by the header `Accept`.")] = None,
) -> Any:
    """Rollups, dearest first. Without `window`, `from` and `to`: the current month."""
    start, end = period(window, seconds(from_), seconds(to), time.time())
    found = ledger.rollup(admin.store.engine, group_by, replace(filters, start=start, end=end), interval)
    rows = [ledger.rollup_json(row) for row in found]
    if format == "csv" or (format is None and request.headers.get("accept", "").startswith("text/csv")):
        return spend_csv(rows, interval)
    return {"items": rows, "next_cursor": None}


def spend_csv(rows: list[dict[str, Any]], interval: Interval | None) -> Response:
    """The rows of `rollup_json` as a file."""
    columns = (*(("start",) if interval else ()), *COLUMNS)
    headers = {"Content-Disposition": 'attachment; filename="spend.csv"'}
    return Response(csv_text(columns, rows), media_type=MEDIA_TYPE, headers=headers)
