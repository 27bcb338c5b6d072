"""What vendors' token services hand out for a while: fetched off the event loop, once at a time, and renewed ahead of its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests

from sallyport.upstream_proxy import UpstreamProxy

TIMEOUT = 10  # seconds for a token service to answer
_EARLY = 300.0  # seconds before its end at which a token is renewed …
_LAST = 15.0  # … and at which it is no longer handed out
_PAUSE = 10.0  # seconds between two renewals ahead of the end, should the first fail


@dataclass(frozen=True, slots=True)
class Lent[T]:
    value: T = field(repr=False)
    expires_at: float
    """UTC seconds."""


@dataclass(slots=True)
class _Entry[T]:
    lent: Lent[T] | None = None
    fetching: asyncio.Task[Lent[T]] | None = None
    renew_at: float = 0.0


class TokenService[T]:
    """One token for each key, whoever asks for it."""

    def __init__(self) -> None:
        self.ca_bundle: Path | None = None
        """Roots to verify the service with; None: the usual ones."""
        self.proxy: UpstreamProxy | None = None
        """The way to it; None: directly."""
        self._entries: dict[Hashable, _Entry[T]] = {}

    async def get(self, key: Hashable, fetch: Callable[[], Lent[T]]) -> T:
        """What is good for some time yet. `fetch` is blocking, and runs in a thread; what it raises comes through."""
        entry = self._entries.get(key)
        if entry is None:
            self._forget_expired()
            entry = self._entries[key] = _Entry()
        now = time.time()
        lent = entry.lent
        if lent is None or lent.expires_at - now < _LAST:
            # Shielded: a caller who hangs up must not take the token from those who wait for the same one.
            return (await asyncio.shield(_fetching(entry, fetch))).value
        if lent.expires_at - now < _EARLY and now >= entry.renew_at:
            entry.renew_at = now + _PAUSE
            _fetching(entry, fetch)
        return lent.value

    def session(self, host: str) -> requests.Session:
        """For calls to the service, which is at `host`."""
        session = requests.Session()
        session.trust_env = False  # never through a proxy of the environment, which may be this very gateway
        session.verify = str(self.ca_bundle) if self.ca_bundle else True
        if self.proxy:
            session.proxies = self.proxy.for_requests(host)
        return session

    def _forget_expired(self) -> None:
        now = time.time()
        for key, entry in list(self._entries.items()):
            if entry.fetching is None and (entry.lent is None or entry.lent.expires_at < now):
                del self._entries[key]


def _fetching[T](entry: _Entry[T], fetch: Callable[[], Lent[T]]) -> asyncio.Task[Lent[T]]:
    if entry.fetching is None:
        entry.fetching = asyncio.create_task(asyncio.to_thread(fetch))
        entry.fetching.add_done_callback(partial(_fetched, entry))
    return entry.fetching


def _fetched[T](entry: _Entry[T], task: asyncio.Task[Lent[T]]) -> None:
    entry.fetching = None
    if not task.cancelled() and task.exception() is None:  # who waits for it gets the exception
        entry.lent = task.result()
