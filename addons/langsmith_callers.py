"""LangSmith keys as callers: LangSmith itself says whether one is good, and for which of its workspaces.

A workspace trusts one of LangSmith's (`langsmith_callers`). A key that LangSmith lists with that workspace and `gateway:invoke`
is a caller of ours: on first sight it gets a row beside the gateway keys, so that policies, spend and revocation hold for it too.
Only its hash is kept. What LangSmith said holds for a minute at most; while it can't be asked, for a quarter of an hour.
Source: `GET /workspaces`, https://reference.langchain.com/go/langsmith/WorkspaceListResponse.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import certifi
import orjson
import urllib3

from addons.refusal import Refusal
from sallyport.settings import Settings
from sallyport.store.errors import Conflict, StoreError
from sallyport.store.models import Actor
from sallyport.store.operations import Store
from sallyport.store.snapshot import Key, Snapshot, Workspace

logger = logging.getLogger(__name__)

PREFIX = "lsv2_"
_PERMISSION = "gateway:invoke"
_DEFAULT_ENDPOINT = "https://api.smith.langchain.com"
_FRESH_SECONDS = 25.0
"""From here on LangSmith is asked again beside the call …"""
_STALE_SECONDS = 50.0
"""… and from here on before it."""
_HOLD_SECONDS = 900.0
_REFUSED_SECONDS = 10.0
_RETRY_SECONDS = 10.0
_ASK_SECONDS = 5.0
_MOST_KNOWN = 10_000
_MOST_ASKED = 16
_SHOWN = 12

_UNKNOWN = Refusal(
    401, "key_unknown", "gateway key unknown. LangSmith doesn't list this key with gateway:invoke in a workspace trusted here."
)
_UNTRUSTED = Refusal(
    401, "key_unknown", "gateway key unknown. No workspace here takes LangSmith keys; ask for a key that starts with sp_."
)
_UNAVAILABLE = Refusal(
    503, "langsmith_unavailable", "LangSmith can't be reached to check this key. Try again soon.", retry_after=5
)


class LangSmithError(Exception):
    """LangSmith could not be asked."""


@dataclass(slots=True)
class _Known:
    """What LangSmith said of one key. Times are of the monotonic clock."""

    key: Key | None = None
    trusted: str = ""
    """The LangSmith workspace for which it was good."""
    good_at: float = -_HOLD_SECONDS
    refused_at: float = -_REFUSED_SECONDS
    failed_at: float = -_RETRY_SECONDS
    asking: asyncio.Task[None] | None = None


class LangSmithCallers:
    def __init__(self, settings: Settings, store: Store, snapshot: Callable[[], Snapshot]) -> None:
        self._store = store
        self._snapshot = snapshot
        self._known: dict[bytes, _Known] = {}
        self._slots = asyncio.Semaphore(_MOST_ASKED)
        self._default = os.environ.get("LANGSMITH_ENDPOINT") or _DEFAULT_ENDPOINT
        self._proxy = settings.proxy()
        self._context = ssl.create_default_context(cafile=certifi.where())
        self._context.load_default_certs()
        if settings.upstream_ca is not None:
            self._context.load_verify_locations(settings.upstream_ca)

    async def check(self, presented: str) -> Key | Refusal:
        """Whose key this is, or why it is nobody's."""
        trusting = [workspace for workspace in self._snapshot().workspaces.values() if workspace.langsmith_callers]
        if not trusting:
            return _UNTRUSTED
        hash = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        if len(self._known) >= _MOST_KNOWN:
            self._known = {hash: known for hash, known in self._known.items() if known.key is not None}
        known = self._known.setdefault(hash, _Known())
        now = time.monotonic()
        age = now - known.good_at if self._still_trusted(known) else _HOLD_SECONDS
        if age >= _FRESH_SECONDS and min(now - known.refused_at, now - known.failed_at) >= _REFUSED_SECONDS:
            if known.asking is None:
                known.asking = asyncio.create_task(self._ask(known, hash, presented, trusting))
            if age >= _STALE_SECONDS:
                await asyncio.shield(known.asking)
                age = time.monotonic() - known.good_at
        if known.key is not None and known.good_at > known.refused_at and age < _HOLD_SECONDS:
            return self._snapshot().keys.get(hash, known.key)
        return _UNKNOWN if known.refused_at > known.failed_at else _UNAVAILABLE

    def _still_trusted(self, known: _Known) -> bool:
        workspace = self._snapshot().workspaces.get(known.key.workspace_id) if known.key else None
        return workspace is not None and workspace.langsmith_callers == known.trusted

    async def _ask(self, known: _Known, hash: bytes, presented: str, trusting: list[Workspace]) -> None:
        try:
            async with self._slots:
                workspace = await self._workspace_of(presented, trusting, self._snapshot().keys.get(hash))
                if workspace is None:
                    known.refused_at = time.monotonic()
                    return
                known.key = self._snapshot().keys.get(hash) or await self._register(hash, presented, workspace)
            known.trusted, known.good_at = workspace.langsmith_callers or "", time.monotonic()
        except (LangSmithError, StoreError) as error:
            known.failed_at = time.monotonic()
            logger.warning("a LangSmith key can't be checked: %s", error)
        finally:
            known.asking = None

    async def _workspace_of(self, presented: str, trusting: list[Workspace], row: Key | None) -> Workspace | None:
        """The workspace that this key may call in; of those of a key that was seen before, only its own."""
        places = [workspace for workspace in trusting if row is None or workspace.id == row.workspace_id]
        for endpoint in dict.fromkeys(workspace.langsmith_endpoint or self._default for workspace in places):
            named = await asyncio.to_thread(self._named, endpoint, presented)
            for workspace in places:
                if (workspace.langsmith_endpoint or self._default) == endpoint and workspace.langsmith_callers in named:
                    return workspace
        return None

    def _named(self, endpoint: str, presented: str) -> set[str]:
        """The LangSmith workspaces in which the key may invoke the gateway. Raises LangSmithError."""
        url = f"{endpoint}/workspaces"
        options: dict[str, Any] = {"retries": False, "redirect": False, "timeout": urllib3.Timeout(total=_ASK_SECONDS)}
        host = urlsplit(endpoint).hostname or ""
        try:
            with self._pool(host) as pool:
                answer = pool.request("GET", url, headers={"X-API-Key": presented, "Accept": "application/json"}, **options)
            if answer.status in (401, 403):
                return set()
            if answer.status != 200:
                raise LangSmithError(f"{host} answered {answer.status}")
            return {workspace["id"] for workspace in orjson.loads(answer.data) if _may_invoke(workspace)}
        except (urllib3.exceptions.HTTPError, ValueError, TypeError, KeyError) as error:
            raise LangSmithError(f"{host}: {type(error).__name__}") from None

    def _pool(self, host: str) -> urllib3.PoolManager:
        if self._proxy is not None and self._proxy.carries(host):
            return urllib3.ProxyManager(self._proxy.url.reveal(), ssl_context=self._context)
        return urllib3.PoolManager(ssl_context=self._context)

    async def _register(self, hash: bytes, presented: str, workspace: Workspace) -> Key:
        """Gives the key a row. Raises StoreError."""
        known = (Actor("langsmith"), workspace.id, hash, presented[:_SHOWN])
        try:
            made = await asyncio.to_thread(self._store.register_key, *known)
        except Conflict:  # another worker was first
            made = await asyncio.to_thread(self._store.get_key_of, hash)
        return Key(
            id=made.id,
            name=made.name,
            prefix=made.prefix,
            organization_id=made.organization_id,
            workspace_id=made.workspace_id,
            user_id=made.user_id,
            expires_at=made.expires_at,
            revoked=made.revoked_at is not None,
        )


def _may_invoke(workspace: dict[str, Any]) -> bool:
    """LangSmith before it had permissions lists none."""
    permissions = workspace.get("permissions")
    return permissions is None or _PERMISSION in permissions
