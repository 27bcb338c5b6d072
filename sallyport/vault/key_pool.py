"""Which of a provider secret's keys a call uses: by weight, the same for the same caller, and none that the provider turned away.

A caller stays with its key because providers' prompt caches belong to a key's organization. Rendezvous hashing gives both: each
caller ranks all keys by a hash of its own, so that a key that rests or goes moves only its own callers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from sallyport.secret import Secret

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class PooledKey:
    label: str
    weight: int
    secret: Secret


class Resting:
    """Keys that a provider turned away, in this process's memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[Secret, float] = {}

    def rest(self, key: PooledKey, seconds: float) -> None:
        if len(self._until) >= _REMEMBERED:
            now = self._clock()
            self._until = {secret: until for secret, until in self._until.items() if until > now}
        self._until[key.secret] = self._clock() + seconds

    def left(self, key: PooledKey) -> float:
        """Seconds until it may be used again; 0: at once."""
        return max(0.0, self._until.get(key.secret, 0.0) - self._clock())


def choose(pool: Sequence[PooledKey], caller: str, resting: Resting, *, bound: bool = False) -> PooledKey:
    """The caller's key among those that don't rest; where all do, the one that rests shortest. `bound`: its first, whatever."""
    healthy = [key for key in pool if bound or not resting.left(key)]
    if healthy:
        return max(healthy, key=lambda key: _score(caller, key))
    return min(pool, key=resting.left)


def _score(caller: str, key: PooledKey) -> float:
    """Weighted rendezvous hashing: the chance to be the highest is in proportion to the weight."""
    digest = blake2b(f"{caller}\0{key.label}".encode(), digest_size=8).digest()
    unit = (int.from_bytes(digest) + 1) / (2**64 + 1)  # within 0 and 1, neither of them
    return -key.weight / math.log(unit)
