"""What every group of operations stands on: one transaction per operation, its audit row and the snapshot's version in it."""

from __future__ import annotations

import copy
import hashlib
import logging
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Self

import orjson
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sallyport.store import audit, meta
from sallyport.store.database import reading, writing
from sallyport.store.errors import Conflict, Refused, Stale
from sallyport.store.models import Actor
from sallyport.store.ownership import found, owner
from sallyport.store.roles import EVERYTHING, Scope
from sallyport.store.tables import Base
from sallyport.vault.envelope import Vault

_log = logging.getLogger(__name__)


def tag(record: Any) -> str:
    """What tells one state of a record (a frozen dataclass of `models`) from another."""
    return hashlib.sha256(orjson.dumps(asdict(record), option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


@dataclass(slots=True)
class Change:
    """A change under way. What is put in `before` and `after` (a frozen dataclass of `models`) goes to the audit log."""

    session: Session
    resource_id: str | None
    scope: Scope = EVERYTHING
    seen: Collection[str] | None = None
    """Tags of the states that who asks has seen; None: it does not matter."""
    workspace_id: str | None = None
    """Whose admins find it in the audit log; None: the organization's alone."""
    before: Any = None
    after: Any = None

    def get[R: Base](self, kind: type[R], id: str, name: str) -> R:
        """The row that is changed, or in which. Raises NotFound, for one outside of the scope too."""
        row = found(self.session, kind, id, name, self.scope)
        self.workspace_id = owner(self.session, row)
        return row

    def was(self, record: Any) -> None:
        """Notes what is to be changed. Raises Stale where who asks has seen it in another state."""
        self.before = record
        if self.seen is not None and (now := tag(record)) not in self.seen:
            raise Stale(f"it was changed since: its tag is now {now}; read it again")


class Operations:
    """`on_change` is called after each committed change: it tells the workers to load a new snapshot."""

    def __init__(self, engine: Engine, vault: Vault, on_change: Callable[[], None] | None = None) -> None:
        self.engine = engine
        self.vault = vault
        self.on_change = on_change
        self.scope = EVERYTHING
        self.seen: Collection[str] | None = None

    def within(self, scope: Scope, seen: Collection[str] | None = None) -> Self:
        """The same store, as far as `scope` goes: what lies outside is neither found nor changed.

        `seen`: only what is in a state of one of these tags is changed.
        """
        narrowed = copy.copy(self)
        narrowed.scope, narrowed.seen = scope, seen
        return narrowed

    def _found[R: Base](self, session: Session, kind: type[R], id: str, name: str) -> R:
        """Raises NotFound."""
        return found(session, kind, id, name, self.scope)

    @contextmanager
    def _reading(self) -> Generator[Session]:
        with reading(self.engine) as connection, Session(connection) as session:
            yield session

    @contextmanager
    def _changing(
        self, actor: Actor, operation: str, resource_type: str, resource_id: str | None = None, *, in_snapshot: bool = True
    ) -> Generator[Change]:
        """Commits at its end. A refusal (`errors.Refused`) changes nothing but is in the audit log too.

        `in_snapshot`: what changes is something that workers decide by.
        """
        change: Change | None = None
        try:
            with writing(self.engine) as connection, Session(connection) as session:
                meta.read(connection, meta.AUDIT_HEAD, lock=True)  # changes happen one after the other
                meta.check_master_key(connection, self.vault.check_value())
                change = Change(session, resource_id, self.scope, self.seen)
                yield change
                session.flush()
                self._audit(session, actor, operation, resource_type, change, success=True)
                if in_snapshot:
                    meta.bump_snapshot_version(connection)
        except IntegrityError as error:
            refusal = Conflict(f"{resource_type}: another with the same name or value is there already")
            self._audit_refusal(actor, operation, resource_type, change, refusal)
            raise refusal from error
        except Refused as refusal:
            self._audit_refusal(actor, operation, resource_type, change, refusal)
            raise
        if in_snapshot:
            self._announce()

    def _audit(
        self, session: Session, actor: Actor, operation: str, resource_type: str, change: Change, *, success: bool
    ) -> None:
        audit.append(
            session.connection(),
            self.vault.audit_key(),
            actor,
            operation,
            resource_type,
            change.resource_id,
            before=None if change.before is None else asdict(change.before),
            after=None if change.after is None else asdict(change.after),
            success=success,
            workspace_id=change.workspace_id,
        )

    def _audit_refusal(self, actor: Actor, operation: str, resource_type: str, change: Change | None, refusal: Refused) -> None:
        with writing(self.engine) as connection:
            audit.append(
                connection,
                self.vault.audit_key(),
                actor,
                operation,
                resource_type,
                change.resource_id if change else None,
                before=None,
                after={"error": str(refusal)},
                success=False,
                workspace_id=change.workspace_id if change else None,
            )

    def _announce(self) -> None:
        if self.on_change is None:
            return
        try:
            self.on_change()
        except Exception as error:  # the change is made; who announces it may fail in any way
            _log.warning("a change is stored but could not be announced to the workers: %s", error)
