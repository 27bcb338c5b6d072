"""Loads the snapshot that workers decide by, in one transaction."""

from __future__ import annotations

import logging
from typing import Literal, cast

from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session

from policies.model import Matcher, Policy
from sallyport.store import meta
from sallyport.store.database import reading
from sallyport.store.fallbacks import chains
from sallyport.store.snapshot import Enrollment, Key, Snapshot, Workspace
from sallyport.store.tables import EnrollmentRow, GatewayKeyRow, PolicyRow, SecretRow, WorkspaceRow
from sallyport.vault.envelope import DataKey, Vault
from sallyport.vault.errors import VaultError
from sallyport.vault.key_pool import PooledKey

_log = logging.getLogger(__name__)


def snapshot_version(engine: Engine) -> int:
    """Grows with every change. Raises StoreError."""
    with reading(engine) as connection:
        return _version(connection)


def load_snapshot(engine: Engine, vault: Vault) -> Snapshot:
    """Everything workers decide by. A secret or workspace that can't be decrypted is left out, and logged by name.

    Raises StoreError, also when the master key was rotated: whoever holds the old one had better keep the snapshot it has.
    """
    with reading(engine) as connection, Session(connection) as session:
        meta.check_master_key(connection, vault.check_value())
        keys = _keys(session)
        return Snapshot(
            version=_version(connection),
            keys=keys,
            keys_by_id={key.id: key for key in keys.values()},
            workspaces=_workspaces(session, vault),
            policies=_policies(session),
            enrollments=_enrollments(session),
        )


def load_policies(engine: Engine) -> tuple[Policy, ...]:
    """The enabled policies, as a snapshot has them. Raises StoreError."""
    with reading(engine) as connection, Session(connection) as session:
        return _policies(session)


def _version(connection: Connection) -> int:
    return int(meta.read(connection, meta.SNAPSHOT_VERSION) or 0)


def _keys(session: Session) -> dict[bytes, Key]:
    query = select(GatewayKeyRow, WorkspaceRow.organization_id).join(WorkspaceRow, GatewayKeyRow.workspace_id == WorkspaceRow.id)
    return {
        row.hash: Key(
            id=row.id,
            name=row.name,
            prefix=row.prefix,
            organization_id=organization_id,
            workspace_id=row.workspace_id,
            user_id=row.user_id,
            expires_at=row.expires_at,
            revoked=row.revoked_at is not None,
        )
        for row, organization_id in session.execute(query)
    }


def _workspaces(session: Session, vault: Vault) -> dict[str, Workspace]:
    sealed: dict[str, list[SecretRow]] = {}
    for row in session.scalars(select(SecretRow).order_by(SecretRow.label)):
        sealed.setdefault(row.workspace_id, []).append(row)
    workspaces: dict[str, Workspace] = {}
    for row in session.scalars(select(WorkspaceRow)):
        try:
            data_key = vault.data_key(row.id, row.data_key)
        except VaultError as error:
            _log.error("workspace %s is left out: its data key: %s", row.id, error)
            continue
        pools = _pools(data_key, sealed.get(row.id, []))
        workspaces[row.id] = Workspace(
            id=row.id,
            name=row.name,
            organization_id=row.organization_id,
            credentials=cast(Literal["replace", "passthrough"], row.credentials),
            trace_content=cast(Literal["none", "redacted"], row.trace_content),
            placeholder_key=data_key.placeholder_key(),
            secrets={name: keys[0].secret for name, keys in pools.items()},
            pools={name: keys for name, keys in pools.items() if len(keys) > 1},
            langsmith_endpoint=row.langsmith_endpoint,
            langsmith_project=row.langsmith_project,
            langsmith_callers=row.langsmith_callers,
            fallbacks=chains(row.fallbacks),
        )
    return workspaces


def _pools(data_key: DataKey, rows: list[SecretRow]) -> dict[str, tuple[PooledKey, ...]]:
    """The keys of each secret, by its name."""
    pools: dict[str, tuple[PooledKey, ...]] = {}
    for row in rows:
        try:
            key = PooledKey(row.label, row.weight, data_key.decrypt(row.name, row.ciphertext))
        except VaultError as error:
            _log.error("secret %s (%s) of workspace %s is left out: %s", row.name, row.label, row.workspace_id, error)
            continue
        pools[row.name] = (*pools.get(row.name, ()), key)
    return pools


def _policies(session: Session) -> tuple[Policy, ...]:
    policies = (
        Policy(
            id=row.id,
            organization_id=row.organization_id,
            name=row.name,
            policy_type=row.policy_type,
            action=row.action,
            matchers=tuple(Matcher(entry["key"], entry["value"]) for entry in row.subject_matchers),
            config=row.config,
            enabled=row.enabled,
            priority=row.priority,
        )
        for row in session.scalars(select(PolicyRow).where(PolicyRow.enabled))
    )
    return tuple(sorted(policies, key=lambda policy: policy.breadth))


def _enrollments(session: Session) -> tuple[Enrollment, ...]:
    rows = session.scalars(select(EnrollmentRow).order_by(EnrollmentRow.created_at, EnrollmentRow.id))
    return tuple(Enrollment(cast(Literal["network", "certificate", "os_user"], row.kind), row.value, row.key_id) for row in rows)
