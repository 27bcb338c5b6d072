"""Long work on the event loop in small steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_STEP_SECONDS = 0.004


class Pace:
    """`await pace.breathe()` between steps lets others run whenever some milliseconds have passed."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def breathe(self) -> None:
        if time.perf_counter() - self._since > _STEP_SECONDS:
            await asyncio.sleep(0)
            self._since = time.perf_counter()


async def apart[*Args, T](large: bool, work: Callable[[*Args], T], *args: *Args) -> T:
    """`work(*args)`, in a thread where it is large."""
    return await asyncio.to_thread(work, *args) if large else work(*args)
