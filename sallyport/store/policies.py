"""Operations on policies. What a policy may say is checked by the `policies` room."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

import policies
from policies import guard
from policies.model import PolicyError, canonical_key
from policies.subjects import parse_matchers
from sallyport.ids import new_id
from sallyport.store import checks
from sallyport.store.base import Operations
from sallyport.store.errors import Conflict, Forbidden, Invalid, NotFound
from sallyport.store.models import Actor, Page, StoredPolicy
from sallyport.store.ownership import workspace_of
from sallyport.store.paging import NEWEST, Sort, narrowed, sorted_page
from sallyport.store.tables import OrganizationRow, PolicyRow
from sallyport.store.tenants import DEFAULT

_FIELDS = ("name", "policy_type", "action", "subject_matchers", "config", "enabled", "priority")
_DEFAULTS: Mapping[str, object] = {"action": "block", "subject_matchers": [], "enabled": True, "priority": 0}

_OUSTS = {"model_access": "model_access", "spend_cap": "default_spend_cap", "rate_limit": "default_rate_limit"}
"""Policies of this type, the more specific ones, take the place of broader ones of that type."""


def whole_policy(fields: Mapping[str, object]) -> dict[str, Any]:
    """A policy as `create_policy` would store it, with what `fields` leave out. Raises Invalid."""
    checked = _checked({**_DEFAULTS, **fields})
    return {field: checked[field] for field in _FIELDS}


class PolicyOperations(Operations):
    def create_policy(self, actor: Actor, fields: Mapping[str, object], organization_id: str = DEFAULT) -> StoredPolicy:
        """`fields` as the admin API has them: name, policy_type, config; optionally action, subject_matchers, enabled, priority.

        Where a policy of equal type, matchers and window is there, that one is changed and keeps its id.
        Raises Invalid, NotFound (organization), Forbidden.
        """
        with self._changing(actor, "policy.create", "policy") as change:
            if change.session.get(OrganizationRow, organization_id) is None:
                raise NotFound(f"there is no organization {organization_id!r}")
            values = _checked({**_DEFAULTS, **fields})
            values["workspace_id"] = change.workspace_id = self._workspace(change.session, organization_id, values)
            there = _same(change.session, organization_id, values)
            now = time.time()
            if there is None:
                row = PolicyRow(id=new_id(), organization_id=organization_id, created_at=now, updated_at=now, **values)
                change.session.add(row)
            else:
                row = there
                change.was(_policy(row))
                _assign(row, values)
            change.resource_id = row.id
            change.after = policy = _policy(row)
        return policy

    def list_policies(
        self, limit: int = 100, cursor: str | None = None, *, sort: Sort = NEWEST, **equal: str | bool | None
    ) -> Page[StoredPolicy]:
        """`equal`: policy_type, organization_id, workspace_id, name, enabled."""
        query = select(PolicyRow).where(*self.scope.where(PolicyRow.workspace_id))
        with self._reading() as session:
            return sorted_page(session, narrowed(query, PolicyRow, equal), PolicyRow, sort, limit, cursor, _policy)

    def same_policy(self, fields: Mapping[str, object], organization_id: str = DEFAULT) -> StoredPolicy | None:
        """The policy that `create_policy` would change. Raises Invalid."""
        with self._reading() as session:
            row = _same(session, organization_id, _checked({**_DEFAULTS, **fields}))
            return None if row is None else _policy(row)

    def get_policy(self, id: str) -> StoredPolicy:
        with self._reading() as session:
            return _policy(self._found(session, PolicyRow, id, "policy"))

    def update_policy(self, actor: Actor, id: str, changes: Mapping[str, object]) -> StoredPolicy:
        """Changes the fields named, and within `config` those named there. The type stays as it is.

        Raises NotFound, Invalid, Forbidden, Conflict (another policy has these matchers and window).
        """
        with self._changing(actor, "policy.update", "policy", id) as change:
            row = change.get(PolicyRow, id, "policy")
            before = _policy(row)
            change.was(before)
            if changes.get("policy_type", row.policy_type) != row.policy_type:
                raise Invalid("policy_type can't be changed; create another policy")
            merged: dict[str, object] = {field: getattr(before, field) for field in _FIELDS} | dict(changes)
            config = changes.get("config")
            if isinstance(config, Mapping):
                merged["config"] = {**before.config, **cast(Mapping[str, object], config)}
            values = _checked(merged)
            values["workspace_id"] = self._workspace(change.session, row.organization_id, values)
            other = _same(change.session, row.organization_id, values)
            if other is not None and other.id != row.id:
                raise Conflict(f"subject_matchers: policy {other.id!r} has the same matchers and window")
            _assign(row, values)
            change.after = policy = _policy(row)
        return policy

    def delete_policy(self, actor: Actor, id: str) -> None:
        """Raises NotFound."""
        with self._changing(actor, "policy.delete", "policy", id) as change:
            row = change.get(PolicyRow, id, "policy")
            change.was(_policy(row))
            change.session.delete(row)

    def _workspace(self, session: Session, organization_id: str, values: Mapping[str, Any]) -> str | None:
        """The one workspace that such a policy holds in. Raises Forbidden where that is not for this store's scope."""
        matchers = parse_matchers(values["subject_matchers"])
        workspace_id = workspace_of(session, matchers)
        if not self.scope.holds(workspace_id):
            raise Forbidden("subject_matchers: name one of your workspaces, or keys of it; other policies are the organization's")
        ousted = _OUSTS.get(values["policy_type"])
        if self.scope.workspaces is not None and ousted is not None:
            held = (PolicyRow.organization_id == organization_id, PolicyRow.workspace_id.is_(None), PolicyRow.enabled)
            name = session.scalar(select(PolicyRow.name).where(*held, PolicyRow.policy_type == ousted).limit(1))
            if name is not None:
                raise Forbidden(
                    f"policy_type: a {values['policy_type']} would take the place of the organization's {name!r}; "
                    "only an organization admin may do that"
                )
        return workspace_id


def _checked(fields: Mapping[str, object]) -> dict[str, Any]:
    """The columns of a whole policy. Raises Invalid."""
    checks.known_fields(fields, *_FIELDS)
    policy_type = checks.text("policy_type", fields.get("policy_type"))
    try:
        matchers = parse_matchers(fields.get("subject_matchers"))
        config = policies.validate(policy_type, fields.get("config"), matchers)
    except PolicyError as error:
        raise Invalid(str(error)) from None
    actions = ("block", "redact") if policy_type == guard.NAME else ("block",)
    identity = [sorted([canonical_key(matcher.key), matcher.value] for matcher in matchers), config.get("window")]
    return {
        "name": checks.text("name", fields.get("name")),
        "policy_type": policy_type,
        "action": checks.choice("action", fields.get("action"), *actions),
        "subject_matchers": [{"key": matcher.key, "value": matcher.value} for matcher in matchers],
        "identity": orjson.dumps(identity).decode(),
        "config": config,
        "enabled": checks.flag("enabled", fields.get("enabled")),
        "priority": checks.whole("priority", fields.get("priority")),
    }


def _same(session: Session, organization_id: str, values: Mapping[str, Any]) -> PolicyRow | None:
    return session.scalar(
        select(PolicyRow).where(
            PolicyRow.organization_id == organization_id,
            PolicyRow.policy_type == values["policy_type"],
            PolicyRow.identity == values["identity"],
        )
    )


def _assign(row: PolicyRow, values: Mapping[str, Any]) -> None:
    for field, value in values.items():
        setattr(row, field, value)
    row.updated_at = time.time()


def _policy(row: PolicyRow) -> StoredPolicy:
    return StoredPolicy(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        policy_type=row.policy_type,
        action=row.action,
        subject_matchers=row.subject_matchers,
        config=row.config,
        enabled=row.enabled,
        priority=row.priority,
        workspace_id=row.workspace_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
