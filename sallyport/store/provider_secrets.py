"""Operations on provider secrets: put, named, deleted; never read back by an admin.

A secret has one key, or a pool of several: each with a label, and a weight that says how much of the calls it gets.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sallyport.secret import Secret
from sallyport.store import checks
from sallyport.store.base import Change, Operations
from sallyport.store.errors import Invalid, NotFound, StoreError
from sallyport.store.models import Actor, SecretInfo, SecretKeyInfo
from sallyport.store.tables import SecretRow, WorkspaceRow
from sallyport.vault.envelope import DataKey
from sallyport.vault.errors import VaultError

DEFAULT_LABEL = "default"
_TRACING_SECRET = "LANGSMITH_API_KEY"  # noqa: S105 - its name
_LONGEST = 64 * 1024
_MOST_KEYS = 100
_MOST_WEIGHT = 1000


@dataclass(frozen=True, slots=True)
class NewSecretKey:
    value: Secret
    label: str = DEFAULT_LABEL
    weight: int = 1


class SecretOperations(Operations):
    def put_secret(self, actor: Actor, workspace_id: str, name: str, *keys: Secret | NewSecretKey) -> SecretInfo:
        """Stores a secret's one key or its pool, and replaces what was there. White space around values is dropped.

        Raises NotFound (workspace), Invalid.
        """
        with self._changing(actor, "secret.put", "secret", f"{workspace_id}/{name}") as change:
            data_key, rows = self._opened(change, workspace_id, name)
            pool = _pool(name, [NewSecretKey(key) if isinstance(key, Secret) else key for key in keys])
            for label in rows.keys() - pool.keys():
                change.session.delete(rows[label])
            for key in pool.values():
                _store(change.session, data_key, rows, workspace_id, name, key)
            change.session.flush()
            change.after = info = _info(_rows(change.session, workspace_id, name))
        return info

    def put_secret_key(self, actor: Actor, workspace_id: str, name: str, key: NewSecretKey) -> SecretInfo:
        """Stores or replaces the key of that label, and leaves the others of the pool. Raises NotFound (workspace), Invalid."""
        with self._changing(actor, "secret.put", "secret", f"{workspace_id}/{name}") as change:
            data_key, rows = self._opened(change, workspace_id, name)
            (key,) = _pool(name, [key]).values()
            if len(rows.keys() | {key.label}) > _MOST_KEYS:
                raise Invalid(f"values: {name} has {_MOST_KEYS} keys already; delete one first")
            _store(change.session, data_key, rows, workspace_id, name, key)
            change.session.flush()
            change.after = info = _info(_rows(change.session, workspace_id, name))
        return info

    def list_secrets(self, workspace_id: str) -> list[SecretInfo]:
        """By name. Raises NotFound (workspace)."""
        with self._reading() as session:
            self._found(session, WorkspaceRow, workspace_id, "workspace")
            query = select(SecretRow).where(SecretRow.workspace_id == workspace_id).order_by(SecretRow.name, SecretRow.label)
            by_name: dict[str, list[SecretRow]] = {}
            for row in session.scalars(query):
                by_name.setdefault(row.name, []).append(row)
            return [_info(rows) for rows in by_name.values()]

    def delete_secret(self, actor: Actor, workspace_id: str, name: str, label: str | None = None) -> None:
        """All of it, or the key of that label. Raises NotFound."""
        with self._changing(actor, "secret.delete", "secret", f"{workspace_id}/{name}") as change:
            change.get(WorkspaceRow, workspace_id, "workspace")
            rows = _rows(change.session, workspace_id, name)
            if not rows:
                raise NotFound(f"the workspace has no secret {name!r}")
            gone = [row for row in rows if label is None or row.label == label]
            if not gone:
                raise NotFound(f"{name} has no key {label!r}; it has {', '.join(row.label for row in rows)}")
            change.was(_info(rows))
            for row in gone:
                change.session.delete(row)
            if kept := [row for row in rows if row not in gone]:
                change.after = _info(kept)

    def _opened(self, change: Change, workspace_id: str, name: str) -> tuple[DataKey, dict[str, SecretRow]]:
        """The workspace's data key, and the secret's rows by label."""
        workspace = change.get(WorkspaceRow, workspace_id, "workspace")
        if name not in (names := secret_names()):
            raise Invalid(f"name: {name!r} is no secret that the gateway uses; those are {', '.join(names)}")
        try:
            data_key = self.vault.data_key(workspace_id, workspace.data_key)
        except VaultError as error:
            raise StoreError(f"the workspace's data key: {error}") from None
        rows = _rows(change.session, workspace_id, name)
        if rows:
            change.was(_info(rows))
        return data_key, {row.label: row for row in rows}


def secret_names() -> tuple[str, ...]:
    """Every secret that the gateway uses: those of the providers, and the one for traces."""
    from sallyport.providers import PROVIDERS  # slow to import, and only those who put secrets need it

    return (*sorted({name for provider in PROVIDERS.values() for name in provider.secret_names}), _TRACING_SECRET)


def _pool(name: str, keys: Sequence[NewSecretKey]) -> Mapping[str, NewSecretKey]:
    """Checked, by label."""
    if not 1 <= len(keys) <= _MOST_KEYS:
        raise Invalid(f"values must be a list of 1 to {_MOST_KEYS} keys")
    pool: dict[str, NewSecretKey] = {}
    for key in keys:
        label = checks.text("label", key.label)
        if label in pool:
            raise Invalid(f"label {label!r} stands there twice; each key needs its own")
        if not 1 <= checks.whole("weight", key.weight) <= _MOST_WEIGHT:
            raise Invalid(f"weight must be a whole number from 1 to {_MOST_WEIGHT}")
        pool[label] = NewSecretKey(_checked(name, key.value), label, key.weight)
    return pool


def _store(
    session: Session, data_key: DataKey, rows: Mapping[str, SecretRow], workspace_id: str, name: str, key: NewSecretKey
) -> None:
    now, row = time.time(), rows.get(key.label)
    if row is None:
        row = SecretRow(workspace_id=workspace_id, name=name, label=key.label, created_at=now)
        session.add(row)
    row.ciphertext, row.weight, row.updated_at = data_key.encrypt(name, key.value), key.weight, now


def _rows(session: Session, workspace_id: str, name: str) -> list[SecretRow]:
    query = select(SecretRow).where(SecretRow.workspace_id == workspace_id, SecretRow.name == name)
    return list(session.scalars(query.order_by(SecretRow.label)))


def _checked(name: str, value: Secret) -> Secret:
    plain = value.reveal().strip()
    try:
        size = len(plain.encode())
    except UnicodeEncodeError:
        raise Invalid("value must be valid text") from None
    if not 1 <= size <= _LONGEST:
        raise Invalid(f"value must have from 1 to {_LONGEST} bytes")
    checked = Secret(plain)
    _let_providers_check(name, checked)
    return checked


def _let_providers_check(name: str, value: Secret) -> None:
    from sallyport.providers import PROVIDERS  # slow to import, and only those who put secrets need it
    from sallyport.providers.base import CredentialError

    for provider in PROVIDERS.values():
        if name in provider.secret_names:
            try:
                provider.check_secret(name, value)
            except CredentialError as error:
                raise Invalid(f"value: {error}") from None


def _info(rows: Sequence[SecretRow]) -> SecretInfo:
    """Of rows of one secret, which has at least one."""
    keys = [SecretKeyInfo(row.label, row.weight, row.created_at, row.updated_at) for row in rows]
    return SecretInfo(
        rows[0].workspace_id,
        rows[0].name,
        min(key.created_at for key in keys),
        max(key.updated_at for key in keys),
        keys,
    )
