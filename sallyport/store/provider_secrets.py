"""Operations on provider secrets: put, named, deleted; never read back by an admin."""

from __future__ import annotations

import time

from sqlalchemy import select

from sallyport.secret import Secret
from sallyport.store.base import Operations, found
from sallyport.store.errors import Invalid, NotFound, StoreError
from sallyport.store.models import Actor, SecretInfo
from sallyport.store.tables import SecretRow, WorkspaceRow
from sallyport.vault.errors import VaultError

_TRACING_SECRET = "LANGSMITH_API_KEY"  # noqa: S105 - its name
_LONGEST = 64 * 1024


class SecretOperations(Operations):
    def put_secret(self, actor: Actor, workspace_id: str, name: str, value: Secret) -> SecretInfo:
        """Stores or replaces a secret; white space around it is dropped. Raises NotFound (workspace), Invalid."""
        with self._changing(actor, "secret.put", "secret", f"{workspace_id}/{name}") as change:
            workspace = change.get(WorkspaceRow, workspace_id, "workspace")
            if name not in (names := secret_names()):
                raise Invalid(f"name: {name!r} is no secret that the gateway uses; those are {', '.join(names)}")
            try:
                data_key = self.vault.data_key(workspace_id, workspace.data_key)
            except VaultError as error:
                raise StoreError(f"the workspace's data key: {error}") from None
            ciphertext = data_key.encrypt(name, _checked(value))
            now = time.time()
            row = change.session.get(SecretRow, (workspace_id, name))
            if row is None:
                row = SecretRow(workspace_id=workspace_id, name=name, ciphertext=ciphertext, created_at=now, updated_at=now)
                change.session.add(row)
            else:
                change.before = _info(row)
                row.ciphertext, row.updated_at = ciphertext, now
            change.after = info = _info(row)
        return info

    def list_secrets(self, workspace_id: str) -> list[SecretInfo]:
        """By name. Raises NotFound (workspace)."""
        with self._reading() as session:
            found(session, WorkspaceRow, workspace_id, "workspace")
            query = select(SecretRow).where(SecretRow.workspace_id == workspace_id).order_by(SecretRow.name)
            return [_info(row) for row in session.scalars(query)]

    def delete_secret(self, actor: Actor, workspace_id: str, name: str) -> None:
        """Raises NotFound."""
        with self._changing(actor, "secret.delete", "secret", f"{workspace_id}/{name}") as change:
            change.get(WorkspaceRow, workspace_id, "workspace")
            row = change.session.get(SecretRow, (workspace_id, name))
            if row is None:
                raise NotFound(f"the workspace has no secret {name!r}")
            change.before = _info(row)
            change.session.delete(row)


def secret_names() -> tuple[str, ...]:
    """Every secret that the gateway uses: one for each provider, and the one for traces."""
    from sallyport.providers import PROVIDERS  # slow to import, and only those who put secrets need it

    return (*sorted({name for provider in PROVIDERS.values() for name in provider.secret_names}), _TRACING_SECRET)


def _checked(value: Secret) -> Secret:
    plain = value.reveal().strip()
    try:
        size = len(plain.encode())
    except UnicodeEncodeError:
        raise Invalid("value must be valid text") from None
    if not 1 <= size <= _LONGEST:
        raise Invalid(f"value must have from 1 to {_LONGEST} bytes")
    return Secret(plain)


def _info(row: SecretRow) -> SecretInfo:
    return SecretInfo(row.workspace_id, row.name, row.created_at, row.updated_at)
