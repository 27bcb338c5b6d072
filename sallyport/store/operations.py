"""The store as the console and the command line use it: one method per admin operation, each one transaction.

Synchronous. Every change writes its audit row and a new snapshot version in the same transaction, then calls `on_change`.
A list is newest first, with `limit` (to 1000) and `cursor`.
"""

from __future__ import annotations

import time

from sqlalchemy import select

from sallyport.secret import Secret
from sallyport.store.admins import AdminOperations, add_admin_key
from sallyport.store.callers import CallerOperations
from sallyport.store.errors import Invalid
from sallyport.store.idempotency import IdempotencyOperations
from sallyport.store.invocations import InvocationOperations
from sallyport.store.models import Actor, AuditVerdict, FirstStart
from sallyport.store.policies import PolicyOperations
from sallyport.store.provider_secrets import SecretOperations
from sallyport.store.rotation import RotationOperations
from sallyport.store.tables import AdminKeyRow, OrganizationRow
from sallyport.store.tenants import DEFAULT, TenantOperations, new_workspace
from sallyport.store.triage import TriageOperations
from sallyport.store.webhooks import WebhookOperations
from sallyport.vault.keys import describe_admin_key, new_admin_key

_GATEWAY = Actor("gateway")


class Store(
    TenantOperations,
    CallerOperations,
    SecretOperations,
    PolicyOperations,
    AdminOperations,
    TriageOperations,
    WebhookOperations,
    IdempotencyOperations,
    InvocationOperations,
    RotationOperations,
):
    """Made by `opening.open_store`."""

    def first_start(self, admin_key: str | None = None) -> FirstStart:
        """Makes sure that there are an organization, a workspace and an admin key; called at each start.

        `admin_key` (SALLYPORT_ADMIN_KEY) is the first admin key; another one at a later start replaces it. Without, one is made.
        Raises Invalid when it is empty.
        """
        admin_key = None if admin_key is None else admin_key.strip()
        if admin_key == "":
            raise Invalid("SALLYPORT_ADMIN_KEY must not be empty")
        made = self._make_default(admin_key)
        if made is None and admin_key is not None:
            self._preset_admin_key(_GATEWAY, admin_key)
        return made or FirstStart(DEFAULT, DEFAULT, fresh=False)

    def verify_audit(self, *, invocations: bool = False) -> AuditVerdict:
        """Whether the audit log is whole and unchanged, and where it is not; with `invocations` the calls it seals, too."""
        verdict = self.verify_chain()
        broken = self.broken_seal() if invocations and verdict["ok"] else None
        return verdict if broken is None else {"ok": False, "rows": verdict["rows"], "broken_at": broken}

    def _make_default(self, admin_key: str | None) -> FirstStart | None:
        with self._reading() as session:
            if session.scalar(select(OrganizationRow.id).limit(1)) is not None:
                return None
        fresh_key = describe_admin_key(admin_key) if admin_key is not None else new_admin_key()
        with self._changing(_GATEWAY, "gateway.first_start", "organization", DEFAULT) as change:
            session = change.session
            if session.scalar(select(AdminKeyRow.id).limit(1)) is not None:
                return None  # another process was first
            session.add(OrganizationRow(id=DEFAULT, name=DEFAULT, created_at=time.time()))
            session.flush()
            session.add(new_workspace(self, DEFAULT, DEFAULT, {"name": DEFAULT}))
            add_admin_key(session, fresh_key, "preset" if admin_key else "first", preset=admin_key is not None)
        shown: Secret | None = None if admin_key is not None else fresh_key.key
        return FirstStart(DEFAULT, DEFAULT, fresh=True, admin_key=shown)
