"""What every group of operations stands on: one transaction per operation, its audit row and the snapshot's version in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sallyport.store import audit, meta
from sallyport.store.database import reading, writing
from sallyport.store.errors import Conflict, NotFound, Refused
from sallyport.store.models import Actor
from sallyport.store.tables import Base
from sallyport.vault.envelope import Vault

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Change:
    """A change under way. What is put in `before` and `after` (a frozen dataclass of `models`) goes to the audit log."""

    session: Session
    resource_id: str | None
    before: Any = None
    after: Any = None

    def get[R: Base](self, kind: type[R], id: str, name: str) -> R:
        """Raises NotFound."""
        return found(self.session, kind, id, name)


class Operations:
    """`on_change` is called after each committed change: it tells the workers to load a new snapshot."""

    def __init__(self, engine: Engine, vault: Vault, on_change: Callable[[], None] | None = None) -> None:
        self.engine = engine
        self.vault = vault
        self.on_change = on_change

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
                change = Change(session, resource_id)
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
            )

    def _announce(self) -> None:
        if self.on_change is None:
            return
        try:
            self.on_change()
        except Exception as error:  # the change is made; who announces it may fail in any way
            _log.warning("a change is stored but could not be announced to the workers: %s", error)


def found[R: Base](session: Session, kind: type[R], id: str, name: str) -> R:
    """The row, or NotFound: `there is no workspace …`."""
    row = session.get(kind, id)
    if row is None:
        raise NotFound(f"there is no {name} {id!r}")
    return row
