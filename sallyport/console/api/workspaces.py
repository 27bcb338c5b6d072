"""`/v1/workspaces`: where keys, secrets and budgets live."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Cursor, Filter, Id, Limit, ListOf, SortBy, Time
from sallyport.console.auth import Manager, OrganizationManager, Reader
from sallyport.console.errors import responses
from sallyport.store.models import Page, Workspace
from sallyport.store.paging import NEWEST

router = APIRouter(prefix="/v1/workspaces", tags=["workspaces"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)

Credentials = Literal["replace", "passthrough"]
TraceContent = Literal["none", "redacted"]
Fallbacks = Annotated[
    list[dict[str, Any]],
    Field(
        description="Where calls go when their provider fails: see docs/outages.md.",
        examples=[[{"when": {"provider": "anthropic", "model": "claude-sonnet-*"}, "then": [{"model": "claude-haiku-4-5"}]}]],
    ),
]
LANGSMITH_CALLERS: Any = Field(
    None,
    description="The id of the LangSmith workspace whose keys (`lsv2_…`) call here, each of them checked there.",
    examples=["8c3a4b8e-0f0c-4d6f-9f57-3d1f9c1f5c11"],
)


class WorkspaceOut(Answer):
    id: str = Field(examples=["default"])
    name: str = Field(examples=["Research"])
    organization_id: str = Field(examples=["default"])
    credentials: Credentials = Field(description="What happens to a user's own vendor log-in.")
    trace_content: TraceContent = Field(description="Whether redacted bodies are kept.")
    langsmith_endpoint: str | None = Field(examples=["https://api.smith.langchain.com"])
    langsmith_project: str | None = Field(examples=["gateway"])
    langsmith_callers: str | None = LANGSMITH_CALLERS
    fallbacks: Fallbacks
    created_at: Time
    updated_at: Time


class WorkspaceIn(Body):
    name: str = Field(examples=["Research"])
    organization_id: str = "default"
    credentials: Credentials = "replace"
    trace_content: TraceContent = "none"
    langsmith_endpoint: str | None = Field(None, examples=["https://api.smith.langchain.com"])
    langsmith_project: str | None = Field(None, examples=["gateway"])
    langsmith_callers: str | None = LANGSMITH_CALLERS
    fallbacks: Fallbacks = Field(default_factory=list[dict[str, Any]])


class WorkspacePatch(Body):
    name: str | None = Field(None, examples=["Research"])
    credentials: Credentials | None = None
    trace_content: TraceContent | None = Field(None, examples=["redacted"])
    langsmith_endpoint: str | None = None
    langsmith_project: str | None = None
    langsmith_callers: str | None = LANGSMITH_CALLERS
    fallbacks: Fallbacks | None = None


@router.post("", status_code=201, response_model=WorkspaceOut, responses=responses(404, 409))
def create_workspace(admin: OrganizationManager, body: WorkspaceIn) -> Workspace:
    """A new workspace; names are unique within an organization."""
    return admin.store.create_workspace(admin, body.model_dump(exclude={"organization_id"}), body.organization_id)


@router.get("", response_model=ListOf[WorkspaceOut])
def list_workspaces(
    admin: Reader, name: Filter = None, sort: SortBy = NEWEST, limit: Limit = 100, cursor: Cursor = None
) -> Page[Workspace]:
    """Workspaces, newest first."""
    return admin.store.list_workspaces(limit, cursor, sort=sort, name=name)


@router.get("/{id}", response_model=WorkspaceOut, responses=responses(404))
def get_workspace(admin: Reader, id: Id) -> Workspace:
    """One workspace."""
    return admin.shows(admin.store.get_workspace(id))


@router.patch("/{id}", response_model=WorkspaceOut, responses=responses(404, 409))
def update_workspace(admin: Manager, id: Id, body: WorkspacePatch) -> Workspace:
    """Changes the fields given and leaves the others."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    return admin.shows(admin.store.update_workspace(admin, id, changes))
