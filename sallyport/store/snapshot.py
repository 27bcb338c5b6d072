"""The immutable picture of keys, policies and secrets that workers decide by. Loaded from SQL off the loop, swapped whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from policies.model import Policy
from sallyport.secret import Secret
from sallyport.store.fallbacks import Chain
from sallyport.vault.key_pool import PooledKey


@dataclass(frozen=True, slots=True)
class Key:
    """A gateway key, without the key."""

    id: str
    name: str
    prefix: str
    organization_id: str
    workspace_id: str
    user_id: str | None
    expires_at: float | None
    """UTC seconds."""
    revoked: bool


@dataclass(frozen=True, slots=True)
class Workspace:
    id: str
    name: str
    organization_id: str
    credentials: Literal["replace", "passthrough"]
    trace_content: Literal["none", "redacted"]
    placeholder_key: Secret
    """Hex; keys the HMAC that names placeholders, so that they are the same within the workspace and nowhere else."""
    secrets: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    """Where a secret has several keys, the first by label."""
    pools: Mapping[str, tuple[PooledKey, ...]] = field(default_factory=dict[str, tuple[PooledKey, ...]])
    """All the keys of those secrets that have several."""
    langsmith_endpoint: str | None = None
    langsmith_project: str | None = None
    langsmith_callers: str | None = None
    """The LangSmith workspace whose keys call here."""
    fallbacks: tuple[Chain, ...] = ()
    """The first that fits a call is its."""


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A way to know a caller who can send no key: it acts as the key it belongs to."""

    kind: Literal["network", "certificate", "os_user"]
    value: str
    """A CIDR network; the SHA-256 of a client certificate in hex; an operating system user's name."""
    key_id: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    version: int = 0
    keys: Mapping[bytes, Key] = field(default_factory=dict[bytes, Key])
    """By the SHA-256 of the key. Revoked and expired keys stay in, so that the caller is told which it is."""
    keys_by_id: Mapping[str, Key] = field(default_factory=dict[str, Key])
    workspaces: Mapping[str, Workspace] = field(default_factory=dict[str, Workspace])
    policies: tuple[Policy, ...] = ()
    """Broadest first (`Policy.breadth`); disabled ones left out."""
    enrollments: tuple[Enrollment, ...] = ()
