"""What the stand-in received, kept for tests to look at."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable
from typing import Any

_KEPT = 2000
_LONGEST_BODY = 4 * 1024 * 1024


class Journal:
    """The latest requests, oldest first; of each body the first 4 MiB."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def add(self, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        entry = {
            "method": method,
            "target": target,
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers],
            "body_base64": base64.b64encode(body[:_LONGEST_BODY]).decode(),
        }
        self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        return list(self._entries)

    def clear(self) -> None:
        self._entries.clear()
