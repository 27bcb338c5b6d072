"""The gateway key that `exec` uses when it is given none: made once for each operating system user, kept in the data dir."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from sallyport.cli.admin import actor, opened_store
from sallyport.paths import DataDir
from sallyport.settings import Settings
from sallyport.store.errors import NotFound
from sallyport.store.operations import Store


def exec_key(settings: Settings) -> str:
    """The key kept from before while it is good, else a new one. Raises StoreError."""
    path = DataDir(settings.data_dir).root / f"exec-{os.getuid()}.json"
    with opened_store(settings) as store:
        kept = _kept(path)
        if kept is not None and _is_good(store, kept["id"]):
            return kept["key"]
        name = actor().name.removeprefix("cli:")
        made = store.create_key(actor(), name=f"exec:{name}", workspace_id="default", user_id=_user(store, name))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"id": made.record.id, "key": made.key.reveal()}, file)
    return made.key.reveal()


def _user(store: Store, name: str) -> str:
    """Whose calls these are: the user of this name in the default organization, made when there is none."""
    cursor = None
    while True:
        page = store.list_users(cursor=cursor)
        for user in page.items:
            if user.name == name and user.organization_id == "default":
                return user.id
        cursor = page.next_cursor
        if cursor is None:
            return store.create_user(actor(), {"name": name}).id


def _kept(path: Path) -> dict[str, str] | None:
    try:
        kept = json.loads(path.read_text())
        return {"id": str(kept["id"]), "key": str(kept["key"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_good(store: Store, key_id: str) -> bool:
    try:
        record = store.get_key(key_id)
    except NotFound:
        return False
    return record.revoked_at is None and (record.expires_at is None or record.expires_at > time.time())
