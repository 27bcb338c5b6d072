"""A worker's own book of what it did with money, on its disk: what Redis forgets is done again from it (see `replay`).

A line for each call that was admitted, and one for each that was settled. Nothing is synced: it is to outlive the worker and
Redis, not the machine.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import orjson

from sallyport.ids import new_id

logger = logging.getLogger(__name__)

SUFFIX = ".jsonl"


class Journal:
    """Appends to a file in `folder`, to another one after each `turn`. A disk that fails costs a warning, never a call."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._file: int | None = None
        self._failing = False

    def admitted(self, record: bytes, reservation: bytes) -> None:
        """`record`: as it is pending; `reservation`: as admit.lua keeps it."""
        self._append({"admitted": orjson.Fragment(record), "reservation": orjson.Fragment(reservation)})

    def settled(self, record: bytes, bill: bytes) -> None:
        """`bill`: as settle.lua takes it."""
        self._append({"settled": orjson.Fragment(record), "bill": orjson.Fragment(bill)})

    def turn(self) -> None:
        """End the file: the next line begins another one."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, line: dict[str, orjson.Fragment]) -> None:
        try:
            if self._file is None:
                path = self._folder / (new_id() + SUFFIX)
                self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(self._file, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            self._failing = False
        except OSError as error:
            if not self._failing:
                logger.warning("the journal can't be written, calls are in Redis alone: %s", error.strerror)
            self._failing = True
