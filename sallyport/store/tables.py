"""The SQL tables. Times are UTC seconds, money nano-dollars; an id is text. `migrations` makes them; a test keeps both equal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, LargeBinary, MetaData, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy as a class attribute
        str: Text,
        float: Double,
        int: BigInteger,
        bytes: LargeBinary,
        dict[str, Any]: JSON(none_as_null=True),
        dict[str, int]: JSON,
        dict[str, str]: JSON(none_as_null=True),
        list[dict[str, Any]]: JSON,
        list[dict[str, str]]: JSON,
        list[str]: JSON(none_as_null=True),
    }


class MetaRow(Base):
    """Facts about the database itself: the master key's check value, the signed head of the audit log, the snapshot's version."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class OrganizationRow(Base):
    __tablename__ = "organizations"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[float]


class WorkspaceRow(Base):
    __tablename__ = "workspaces"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str]
    credentials: Mapped[str]
    """replace | passthrough"""
    trace_content: Mapped[str]
    """none | redacted"""
    langsmith_endpoint: Mapped[str | None]
    langsmith_project: Mapped[str | None]
    langsmith_callers: Mapped[str | None]
    """The LangSmith workspace whose keys call here; None: no LangSmith key does."""
    fallbacks: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    """See `fallbacks.py`."""
    data_key: Mapped[bytes]
    """The workspace's data key, wrapped by the master key."""
    created_at: Mapped[float]
    updated_at: Mapped[float]


class UserRow(Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("organization_id", "email"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str]
    email: Mapped[str | None]
    created_at: Mapped[float]
    updated_at: Mapped[float]


class GatewayKeyRow(Base):
    __tablename__ = "gateway_keys"
    id: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the key."""
    prefix: Mapped[str]
    name: Mapped[str]
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[float]
    expires_at: Mapped[float | None]
    revoked_at: Mapped[float | None]


class AdminKeyRow(Base):
    __tablename__ = "admin_keys"
    id: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(unique=True)
    prefix: Mapped[str]
    name: Mapped[str]
    preset: Mapped[bool]
    """Came from SALLYPORT_ADMIN_KEY, and goes when another comes from there."""
    role: Mapped[str] = mapped_column(server_default="organization_admin")
    """See `roles.py`."""
    workspaces: Mapped[list[str] | None]
    """The ids of those in which the role holds; None: all."""
    user_id: Mapped[str | None]
    """Whose it is, where that is a user."""
    created_at: Mapped[float]
    expires_at: Mapped[float | None]
    revoked_at: Mapped[float | None]


class EnrollmentRow(Base):
    __tablename__ = "enrollments"
    __table_args__ = (UniqueConstraint("kind", "value"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """network | certificate | os_user"""
    value: Mapped[str]
    key_id: Mapped[str] = mapped_column(ForeignKey("gateway_keys.id"), index=True)
    created_at: Mapped[float]


class SecretRow(Base):
    __tablename__ = "secrets"
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[int]
    ciphertext: Mapped[bytes]
    created_at: Mapped[float]
    updated_at: Mapped[float]


class PolicyRow(Base):
    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("organization_id", "policy_type", "identity"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str]
    policy_type: Mapped[str]
    action: Mapped[str]
    subject_matchers: Mapped[list[dict[str, str]]]
    identity: Mapped[str]
    """Canonical matchers and window: creating a policy of equal identity changes the one that is there."""
    config: Mapped[dict[str, Any]]
    enabled: Mapped[bool]
    priority: Mapped[int]
    workspace_id: Mapped[str | None] = mapped_column(index=True)
    """The one workspace that it can hold in; None: it is the organization's. See `ownership.workspace_of`."""
    created_at: Mapped[float]
    updated_at: Mapped[float]


class IdempotencyRow(Base):
    """A create that named an `Idempotency-Key`; see `idempotency.py`."""

    __tablename__ = "idempotency_keys"
    admin_key_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    at: Mapped[float] = mapped_column(index=True)
    status: Mapped[int | None]
    sealed: Mapped[bytes | None]
    """The answer; None: not yet answered."""


class AuditRow(Base):
    """One admin operation, chained to the one before by its hash; see `audit.py`."""

    __tablename__ = "audit_logs"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[float]
    actor: Mapped[str]
    source_ip: Mapped[str | None]
    operation: Mapped[str]
    resource_type: Mapped[str]
    resource_id: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    success: Mapped[bool]
    workspace_id: Mapped[str | None] = mapped_column(index=True)
    """Whose admins see it; None: it is the organization's."""
    prev_hash: Mapped[str]
    hash: Mapped[str]
