"""Answers to creates that named an `Idempotency-Key`: who asks again with that key gets the same, and nothing is made twice.

An answer may hold a new key, so it is kept encrypted. A request that was cut short keeps its key taken: whether it did its work
can't be known, and doing it again might make a thing twice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from sallyport.secret import Secret
from sallyport.store.base import Operations
from sallyport.store.database import reading, writing
from sallyport.store.errors import Conflict, Invalid, Mismatch
from sallyport.store.tables import IdempotencyRow
from sallyport.vault.errors import VaultError

KEPT_SECONDS = 24 * 3600
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of one admin key. `fingerprint` tells the same request from another one."""

    admin_key_id: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Kept:
    status: int
    body: bytes


class IdempotencyOperations(Operations):
    def begin(self, attempt: Attempt) -> Kept | None:
        """Takes the key for this request; the answer is what it was answered before, if it was.

        Raises Invalid, Mismatch (the key was another request's), Conflict (it is under way, or was cut short).
        """
        if not (0 < len(attempt.key) <= _LONGEST and attempt.key.isascii() and attempt.key.isprintable()):
            raise Invalid(f"Idempotency-Key must have 1 to {_LONGEST} printable ASCII characters")
        now = time.time()
        values = {"admin_key_id": attempt.admin_key_id, "key": attempt.key, "fingerprint": attempt.fingerprint, "at": now}
        try:
            with writing(self.engine) as connection:
                connection.execute(delete(IdempotencyRow).where(IdempotencyRow.at < now - KEPT_SECONDS))
                connection.execute(insert(IdempotencyRow).values(values))
        except IntegrityError:
            return self._earlier(attempt)
        return None

    def keep(self, attempt: Attempt, answer: Kept) -> None:
        sealed = self.vault.answers_key().encrypt(_name(attempt), Secret(answer.body.decode()))
        with writing(self.engine) as connection:
            connection.execute(update(IdempotencyRow).where(*_is(attempt)).values(status=answer.status, sealed=sealed))

    def forget(self, attempt: Attempt) -> None:
        """It was refused and changed nothing: it may be asked again."""
        with writing(self.engine) as connection:
            connection.execute(delete(IdempotencyRow).where(*_is(attempt)))

    def _earlier(self, attempt: Attempt) -> Kept | None:
        with reading(self.engine) as connection:
            query = select(IdempotencyRow.fingerprint, IdempotencyRow.status, IdempotencyRow.sealed).where(*_is(attempt))
            row = connection.execute(query).one_or_none()
        if row is not None and row.fingerprint != attempt.fingerprint:
            raise Mismatch("Idempotency-Key was sent with another request; take a new one for each")
        try:
            if row is not None and row.sealed is not None:
                return Kept(row.status, self.vault.answers_key().decrypt(_name(attempt), row.sealed).reveal().encode())
        except VaultError:
            pass  # the master key was rotated since
        raise Conflict(
            "Idempotency-Key is taken: that request is under way, or was cut short. Look whether it was done before you send "
            "it with another key"
        )


def _name(attempt: Attempt) -> str:
    return f"{attempt.admin_key_id} {attempt.key}"


def _is(attempt: Attempt) -> tuple[ColumnElement[bool], ...]:
    return (IdempotencyRow.admin_key_id == attempt.admin_key_id, IdempotencyRow.key == attempt.key)
