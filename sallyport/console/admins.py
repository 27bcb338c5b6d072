"""Who may administer: checks admin keys, and remembers a good one for a second so that a burst of requests costs one look-up."""

from __future__ import annotations

import hashlib
import time

from sallyport.store.errors import NotFound
from sallyport.store.models import AdminKey
from sallyport.store.operations import Store

_REMEMBER_SECONDS = 1.0
_MOST_REMEMBERED = 1000


class Admins:
    """Safe to use from many threads: its dict is only read, written and cleared whole entries at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[bytes | str, tuple[float, AdminKey]] = {}

    def authenticate(self, key: str) -> AdminKey | None:
        """Whose key this is; None for an unknown, expired or revoked one. Raises StoreError."""
        digest = hashlib.sha256(key.encode(errors="surrogatepass")).digest()
        return self._recall(digest) or self._remember(digest, self._store.authenticate_admin(key))

    def find(self, id: str) -> AdminKey | None:
        """The admin key of that id, unless it is expired or revoked. Raises StoreError."""
        return self._recall(id) or self._remember(id, self._look_up(id))

    def _look_up(self, id: str) -> AdminKey | None:
        try:
            admin = self._store.get_admin_key(id)
        except NotFound:
            return None
        return admin if admin.works(time.time()) else None

    def _recall(self, name: bytes | str) -> AdminKey | None:
        until, admin = self._known.get(name, (0.0, None))
        return admin if until > time.monotonic() else None

    def _remember(self, name: bytes | str, admin: AdminKey | None) -> AdminKey | None:
        if admin is not None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[name] = (time.monotonic() + _REMEMBER_SECONDS, admin)
        return admin
