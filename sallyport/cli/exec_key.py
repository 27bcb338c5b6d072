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
        made = store.create_key(actor(), name=actor().name.replace("cli:", "exec:"), workspace_id="default")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"id": made.record.id, "key": made.key.reveal()}, file)
    return made.key.reveal()


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
