"""The ledger's tables: calls, and the violations among them. See `tables` for what all have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from sallyport.store.tables import Base


class CallRow(Base):
    """The ledger: one `CallRecord`, appended once (its id is the primary key) and never changed."""

    __tablename__ = "calls"
    __table_args__ = (
        Index(None, "started_at", "id"),
        Index(None, "recorded_at", "id"),
        Index(None, "organization_id", "started_at"),
        Index(None, "workspace_id", "started_at"),
        Index(None, "user_id", "started_at"),
        Index(None, "api_key_id", "started_at"),
        Index(None, "session_id", "started_at"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[float]
    provider: Mapped[str | None]
    model: Mapped[str | None]
    operation: Mapped[str | None]
    organization_id: Mapped[str | None]
    workspace_id: Mapped[str | None]
    user_id: Mapped[str | None]
    api_key_id: Mapped[str | None]
    way_in: Mapped[str]
    client_ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    method: Mapped[str]
    path: Mapped[str]
    outcome: Mapped[str]
    status: Mapped[int | None]
    reason: Mapped[str | None]
    headers: Mapped[dict[str, str] | None]
    """What the caller said of the call in `X-Gateway-*` headers; None: nothing."""
    stream: Mapped[bool]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    cache_read_tokens: Mapped[int]
    cache_write_tokens: Mapped[int]
    reasoning_tokens: Mapped[int]
    usage: Mapped[dict[str, Any] | None]
    """What `recorded_usage.further` says; None: recorded by a version that did not keep it."""
    priced_as: Mapped[str | None]
    """The model whose price was charged, where it is not `model`."""
    cost_nano: Mapped[int]
    estimated: Mapped[bool]
    unpriced: Mapped[bool]
    passthrough: Mapped[bool]
    attempt: Mapped[int] = mapped_column(server_default="1")
    attempt_of: Mapped[str | None]
    provider_key: Mapped[str | None]
    duration_ms: Mapped[float]
    gateway_ms: Mapped[float]
    first_token_ms: Mapped[float | None]
    matched: Mapped[list[dict[str, Any]]]
    violated: Mapped[list[dict[str, Any]]]
    fired: Mapped[list[dict[str, Any]]]
    redactions: Mapped[dict[str, int]]
    session_id: Mapped[str | None]
    langsmith_run_id: Mapped[str | None]
    trace_url: Mapped[str | None]
    recorded_at: Mapped[float] = mapped_column(server_default="0")
    """When it came to the ledger."""
    inputs: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    """Redacted bodies, only where the workspace has `trace_content: redacted`."""
    outputs: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)


class ViolationRow(Base):
    __tablename__ = "violations"
    __table_args__ = (Index(None, "at", "id"), Index(None, "organization_id", "at"), Index(None, "policy_id", "at"))
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[float]
    call_id: Mapped[str] = mapped_column(index=True)
    policy_id: Mapped[str]
    policy_name: Mapped[str]
    policy_type: Mapped[str]
    action: Mapped[str]
    """blocked | redacted"""
    detail: Mapped[str]
    organization_id: Mapped[str | None]
    workspace_id: Mapped[str | None]
    user_id: Mapped[str | None]
    api_key_id: Mapped[str | None]
    state: Mapped[str]
    """open | acknowledged | resolved"""
    assignee: Mapped[str | None]
    count: Mapped[int]
    first_seen: Mapped[float]
    last_seen: Mapped[float]
    fingerprint: Mapped[str | None] = mapped_column(unique=True)
    """What repeats are counted under as long as it is not resolved; None: a repeat is a new violation."""
    langsmith_run_id: Mapped[str | None]
    trace_url: Mapped[str | None]


class ViolationCommentRow(Base):
    __tablename__ = "violation_comments"
    id: Mapped[str] = mapped_column(primary_key=True)
    violation_id: Mapped[str] = mapped_column(ForeignKey("violations.id"), index=True)
    at: Mapped[float]
    author: Mapped[str]
    text: Mapped[str]
