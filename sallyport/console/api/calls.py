"""`/v1/calls`: the record of each call, newest first."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Cursor, Filter, Id, Limit, ListOf, Time, TimeIn, seconds
from sallyport.console.auth import Reader
from sallyport.console.errors import responses
from sallyport.spend import ledger
from sallyport.store.call_tables import CallRow

router = APIRouter(prefix="/v1/calls", tags=["calls"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)

Outcome = Literal["success", "blocked", "error", "aborted"]


class PolicyRef(Answer):
    id: str
    name: str


class CallPolicies(Answer):
    matched: list[PolicyRef]
    violated: list[PolicyRef]


class Call(Answer):
    id: str = Field(description="The `x-gateway-request-id` of the call.", examples=["01934b1c-7f2a-7c3e-9d52-0a4f6f1f8f11"])
    started_at: Time
    provider: str | None = Field(examples=["openai"])
    model: str | None = Field(examples=["gpt-4o-mini"])
    operation: str | None = Field(examples=["chat"])
    organization_id: str | None
    workspace_id: str | None
    user_id: str | None
    api_key_id: str | None
    way_in: str = Field(examples=["proxy"])
    outcome: Outcome
    status: int | None = Field(examples=[200])
    reason: str | None = Field(description="Why it was blocked or failed, one machine word.", examples=[None])
    stream: bool
    input_tokens: int = Field(description="All input, cached tokens included.", examples=[1200])
    output_tokens: int = Field(description="All output, reasoning included.", examples=[340])
    cache_read_tokens: int = Field(examples=[0])
    cache_write_tokens: int = Field(examples=[0])
    reasoning_tokens: int = Field(examples=[0])
    usage: dict[str, Any] = Field(description="What else was priced, and the service tier.", examples=[{"web_searches": 2}])
    cost_usd: str = Field(description="Exact to the nano-dollar.", examples=["0.000384"])
    estimated: bool
    unpriced: bool
    passthrough: bool
    attempt: int = Field(description="Which of the attempts that the client's call led to.", examples=[1])
    provider_key: str | None = Field(description="Label of the provider's key, where its secret has several.", examples=[None])
    attempt_of: str | None = Field(description="The call that was the first attempt; none on that itself.", examples=[None])
    duration_ms: float = Field(examples=[812.4])
    gateway_ms: float = Field(examples=[1.9])
    first_token_ms: float | None = Field(examples=[233.0])
    policies: CallPolicies
    redactions: dict[str, int] = Field(examples=[{"EMAIL": 2}])
    headers: dict[str, str] = Field(
        description="What the caller said of the call in `X-Gateway-*` headers.", examples=[{"team": "blue"}]
    )
    session_id: str | None = Field(description="The conversation it belongs to, as its client names it.")
    langsmith_run_id: str | None
    trace_url: str | None


class CallDetail(Call):
    method: str
    path: str = Field(description="Without the query string.", examples=["/v1/chat/completions"])
    client_ip: str | None
    user_agent: str | None
    inputs: Any = Field(
        default=None, description="The redacted request, where the workspace keeps it (`trace_content: redacted`)."
    )
    outputs: Any = None
    redacted_at: list[dict[str, Any]] = Field(
        description="Where something was redacted: JSON pointers into the request, never a value; the first 100.",
        examples=[[{"where": "/messages/0/content", "category": "EMAIL", "count": 2}]],
    )


def call_filters(
    admin: Reader,
    outcome: Annotated[Outcome | None, Query()] = None,
    provider: Filter = None,
    model: Filter = None,
    organization_id: Filter = None,
    workspace_id: Filter = None,
    user_id: Filter = None,
    api_key_id: Filter = None,
    session_id: Filter = None,
    from_: Annotated[TimeIn | None, Query(alias="from", description="Started at this time or later.")] = None,
    to: Annotated[TimeIn | None, Query(description="Started before this time.")] = None,
) -> ledger.CallFilters:
    return ledger.CallFilters(
        outcome=outcome,
        provider=provider,
        model=model,
        organization_id=organization_id,
        workspace_id=workspace_id,
        user_id=user_id,
        api_key_id=api_key_id,
        session_id=session_id,
        start=seconds(from_),
        end=seconds(to),
        scope=admin.scope,
    )


FiltersDep = Annotated[ledger.CallFilters, Depends(call_filters)]


@router.get("", response_model=ListOf[Call])
def list_calls(admin: Reader, filters: FiltersDep, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """Calls, newest first, blocked ones too."""
    page = ledger.list_calls(admin.store.engine, filters, limit, cursor)
    return {"items": [ledger.call_json(row) for row in page.items], "next_cursor": page.next_cursor}


@router.get("/{id}", response_model=CallDetail, responses=responses(404))
def get_call(admin: Reader, id: Id) -> dict[str, Any]:
    """One call, with what the list leaves out."""
    return _detail(ledger.get_call(admin.store.engine, id, admin.scope))


def _detail(row: CallRow) -> dict[str, Any]:
    more = ("method", "path", "client_ip", "user_agent", "inputs", "outputs")
    places = [place for fired in row.fired for place in fired.get("places", ())]
    return ledger.call_json(row) | {name: getattr(row, name) for name in more} | {"redacted_at": places}
