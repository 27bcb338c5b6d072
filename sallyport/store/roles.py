"""Who may do what: the roles of admin keys, their permissions, and the workspaces in which these hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement

type Role = Literal["organization_admin", "workspace_admin", "member", "auditor"]
type Permission = Literal[
    "organization:manage", "organization:read", "workspaces:manage", "workspaces:read", "audit:read", "gateway:invoke"
]

ROLES: tuple[Role, ...] = get_args(Role.__value__)
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    "organization_admin": frozenset(get_args(Permission.__value__)),
    "workspace_admin": frozenset({"workspaces:manage", "workspaces:read", "audit:read", "gateway:invoke"}),
    "member": frozenset({"workspaces:read", "gateway:invoke"}),
    "auditor": frozenset({"organization:read", "workspaces:read", "audit:read"}),
}
"""`gateway:invoke`: to make and revoke the keys that calls are made with; a member only those of its own user."""

IN_WORKSPACES: frozenset[Role] = frozenset({"workspace_admin", "member"})
"""Roles that hold in the workspaces named with them; the others hold everywhere."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody sees and changes. `workspaces`: the things of these; None: of all, and what is the organization's."""

    workspaces: frozenset[str] | None = None
    keys_of: str | None = None
    """The user whose gateway keys may be made and revoked; None: anybody's."""

    def holds(self, workspace_id: str | None) -> bool:
        """`workspace_id`: whose a thing is; None: the organization's."""
        return self.workspaces is None or workspace_id in self.workspaces

    def where(self, workspace_id: Any) -> tuple[ColumnElement[bool], ...]:
        """The same as conditions of a query on the column `workspace_id`."""
        return () if self.workspaces is None else (workspace_id.in_(sorted(self.workspaces)),)


EVERYTHING = Scope()
