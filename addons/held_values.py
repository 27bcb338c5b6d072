"""The gateway's own credentials are taken out of what callers send, guard or not: its keys, and every secret of the vault.

Whoever sends one has come by what nobody should have, so it is an alarm: a violation of its own, and a line in the log. It does
not matter in which workspace the secret is, nor whether it stands there as it is, in JSON, in a URL or in base64.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator

import orjson

from addons.context import Call
from sallyport.redaction.known import Known, KnownValues
from sallyport.redaction.pace import apart
from sallyport.secret import Secret
from sallyport.store.snapshot import Snapshot
from sallyport.tracing.record import Fired

log = logging.getLogger(__name__)

_LARGE = 200_000
"""Bytes that are looked at in a thread: it takes 10 ms a megabyte."""
_GATEWAY_KEY = re.compile(rb"spa?_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_CATEGORY = re.compile(r"[A-Z][A-Z_]{0,63}")


class HeldValues:
    """Of one worker."""

    def __init__(self) -> None:
        self._secrets: frozenset[tuple[str, Secret]] = frozenset()
        self._known = KnownValues(())

    async def follow(self, snapshot: Snapshot) -> None:
        """From now on its secrets are looked for. Hashing one takes up to 8 ms: in a thread, and only where any has changed."""
        held = frozenset(_secrets(snapshot))
        if held != self._secrets:
            values = [(category, secret.reveal()) for category, secret in held]
            self._known, self._secrets = await asyncio.to_thread(KnownValues, values), held

    async def take_out(self, call: Call, raw: bytes, name: Callable[[str, str], str]) -> None:
        """Of `call.body`, which was read from `raw`. `name` gives a category and a value their placeholder."""
        if call.body is None:
            return
        found = await apart(len(raw) > _LARGE, self._find, call, raw)
        if not found:
            return
        parts: list[bytes] = []
        reached = 0
        for start, end, category in found:
            parts += (raw[reached:start], name(category, raw[start:end].decode("utf-8", "replace")).encode())
            reached = end
        call.body = orjson.loads(b"".join((*parts, raw[reached:])))
        call.body_changed = True
        _alarm(call, Counter(known.name for known in found))

    def _find(self, call: Call, raw: bytes) -> list[Known]:
        found: list[Known] = []
        for known in sorted((*self._known.find(raw), *_gateway_keys(call, raw)), key=lambda known: (known.start, -known.end)):
            if not found or known.start >= found[-1].end:
                found.append(known)
        return found


def _secrets(snapshot: Snapshot) -> Iterator[tuple[str, Secret]]:
    for workspace in snapshot.workspaces.values():
        for name, secret in workspace.secrets.items():
            category = name if _CATEGORY.fullmatch(name) else "PROVIDER_SECRET"
            yield category, secret
            yield from ((category, key.secret) for key in workspace.pools.get(name, ()))


def _gateway_keys(call: Call, raw: bytes) -> Iterator[Known]:
    """Any key that we know, revoked ones too, and whatever the caller came in with."""
    for match in _GATEWAY_KEY.finditer(raw):
        if hashlib.sha256(match[0]).digest() in call.snapshot.keys:
            yield Known(*match.span(), "GATEWAY_KEY")
    presented = (call.presented or "").encode("utf-8", "surrogateescape")
    if presented:
        yield from (Known(*match.span(), "GATEWAY_KEY") for match in re.finditer(re.escape(presented), raw))


def _alarm(call: Call, counts: Counter[str]) -> None:
    detail = ", ".join(f"{name} × {count}" for name, count in sorted(counts.items()))
    for name, count in counts.items():
        call.record.redactions[name] = call.record.redactions.get(name, 0) + count
    call.record.fired.append(
        Fired("held_values", "credentials held by the gateway", "guard", "redacted", f"in a request: {detail}")
    )
    log.warning("call %s held credentials that only the gateway should have: %s", call.record.id, detail)
