"""How many connections clients may hold at once, so that one who opens them without end leaves room for the others."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from sallyport.tracing import rejections

_OUR_OWN = 256
"""File descriptors for the database, Redis, listeners, journals and the names model."""


class ConnectionLimits:
    """In all so many that each can have one to a provider, by the files this process may open; of one address as the operator
    says (0: no limit)."""

    def __init__(self, per_address: int) -> None:
        self._per_address = per_address
        self._in_all = (_open_files() - _OUR_OWN) // 2
        self._held: Counter[str] = Counter()

    @contextmanager
    def hold(self, address: str) -> Generator[bool]:
        """Whether there is room for one more from there; it is held meanwhile."""
        of_one = self._per_address and self._held[address] >= self._per_address
        if of_one or self._held.total() >= self._in_all:
            rejections.count("too_many_connections")
            yield False
            return
        self._held[address] += 1
        try:
            yield True
        finally:
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]


def _open_files() -> int:
    """As many as the system allows; what a shell grants (often 1024) is less."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20
