"""What the store hands out: frozen, without SQLAlchemy, ready for `dataclasses.asdict` and JSON. Times are UTC seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from sallyport.secret import Secret
from sallyport.store.roles import IN_WORKSPACES, PERMISSIONS, Permission, Role, Scope


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked for a change, for the audit log."""

    name: str
    """`admin-key:<prefix>`, `cli:<operating system user>`, `gateway` …"""
    source_ip: str | None = None


@dataclass(frozen=True, slots=True)
class Page[T]:
    """A part of a list, newest first where nothing else is said; `next_cursor` gets the part after it, None: there is none."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    id: str
    name: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Workspace:
    id: str
    name: str
    organization_id: str
    credentials: Literal["replace", "passthrough"]
    trace_content: Literal["none", "redacted"]
    langsmith_endpoint: str | None
    langsmith_project: str | None
    langsmith_callers: str | None
    fallbacks: list[dict[str, Any]]
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class User:
    id: str
    organization_id: str
    name: str
    email: str | None
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class GatewayKey:
    id: str
    name: str
    prefix: str
    organization_id: str
    workspace_id: str
    user_id: str | None
    created_at: float
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A gateway key just made: the one time that it can be shown."""

    record: GatewayKey
    key: Secret


@dataclass(frozen=True, slots=True)
class AdminKey:
    id: str
    name: str
    prefix: str
    preset: bool
    role: Role
    workspaces: list[str] | None
    """The ids of those in which the role holds; None: all."""
    user_id: str | None
    created_at: float
    expires_at: float | None
    revoked_at: float | None

    def permissions(self) -> frozenset[Permission]:
        """A member that is no user has no keys of its own to make."""
        permissions = PERMISSIONS[self.role]
        return permissions - {"gateway:invoke"} if self.role == "member" and self.user_id is None else permissions

    def scope(self) -> Scope:
        workspaces = frozenset(self.workspaces or ()) if self.role in IN_WORKSPACES else None
        return Scope(workspaces, keys_of=self.user_id if self.role == "member" else None)

    def works(self, now: float) -> bool:
        """Neither revoked nor expired at `now`, UTC seconds."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class NewAdminKey:
    record: AdminKey
    key: Secret


@dataclass(frozen=True, slots=True)
class Enrollment:
    id: str
    kind: Literal["network", "certificate", "os_user"]
    value: str
    key_id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class SecretKeyInfo:
    """One of the keys of a secret; never its value."""

    label: str
    weight: int
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """A secret's name and times; never its value."""

    workspace_id: str
    name: str
    created_at: float
    updated_at: float
    keys: list[SecretKeyInfo]


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    id: str
    organization_id: str
    name: str
    policy_type: str
    action: str
    subject_matchers: list[dict[str, str]]
    config: dict[str, Any]
    enabled: bool
    priority: int
    workspace_id: str | None
    """The one workspace that it can hold in; None: it is the organization's."""
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where budget alerts go; never its URL or secret."""

    id: str
    organization_id: str
    name: str
    kind: Literal["generic", "slack"]
    host: str
    created_at: float


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook just made; `secret`: the one made for it, the one time that it can be shown."""

    record: Webhook
    secret: Secret | None


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """What a delivery needs."""

    kind: Literal["generic", "slack"]
    url: Secret
    secret: Secret


type TriageState = Literal["open", "acknowledged", "resolved"]


@dataclass(frozen=True, slots=True)
class Triage:
    """What people have decided about a violation."""

    policy_name: str
    state: TriageState
    assignee: str | None


@dataclass(frozen=True, slots=True)
class Comment:
    id: str
    violation_id: str
    at: float
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    seq: int
    at: float
    actor: str
    source_ip: str | None
    operation: str
    resource_type: str
    resource_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    success: bool
    workspace_id: str | None
    prev_hash: str
    hash: str


class AuditVerdict(TypedDict):
    ok: bool
    rows: int
    broken_at: int | None
    """The first `seq` that is changed, out of place or missing."""


@dataclass(frozen=True, slots=True)
class FirstStart:
    organization_id: str
    workspace_id: str
    fresh: bool
    """The database was empty until now."""
    admin_key: Secret | None = field(default=None)
    """The first admin key, when one was made: the one time that it can be shown."""
