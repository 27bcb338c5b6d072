"""A worker's own book of what it did with money, on its disk: what Redis forgets is done again from it (see `replay`).

A line for each call that was admitted, and one for each that was settled. They are written in their order by a thread of its own,
as soon as it gets to it: no call waits for the disk. Nothing is synced: the book is to outlive the worker and Redis, not the
machine. A worker that is killed takes along what it noted in its last instant, or while its disk hung; that is in Redis still, so
it is lost only where Redis forgets it before a second has passed, too.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

from sallyport.ids import new_id

logger = logging.getLogger(__name__)

SUFFIX = ".jsonl"
_MOST_WAITING = 20_000
"""Lines that wait for the disk, of about a kilobyte each; what comes beyond that is not noted."""
_CLOSE_SECONDS = 5.0


class Journal:
    """Appends to a file in `folder`, to another one after each `turn`. A disk that fails costs a warning, never a call."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._queue: SimpleQueue[bytes | Event | None] = SimpleQueue()
        """Lines. An event: end the file, and say so. None: that was all."""
        self._file: int | None = None
        self._failing = self._behind = False
        self._thread = Thread(target=self._write_all, daemon=True, name="journal")
        self._thread.start()

    def admitted(self, record: bytes, reservation: bytes) -> None:
        """`record`: as it is pending; `reservation`: as admit.lua keeps it. Both are JSON."""
        self._note(b'{"admitted":%b,"reservation":%b}\n' % (record, reservation))

    def settled(self, record: bytes, bill: bytes) -> None:
        """`bill`: as settle.lua takes it."""
        self._note(b'{"settled":%b,"bill":%b}\n' % (record, bill))

    def turn(self) -> Event:
        """End the file: the next line begins another one. The event is set when it is done."""
        turned = Event()
        self._queue.put(turned)
        return turned

    def close(self) -> None:
        """Wait, a few seconds at most, until all is written; nothing more is."""
        self._queue.put(None)
        self._thread.join(_CLOSE_SECONDS)

    def _note(self, line: bytes) -> None:
        if self._queue.qsize() < _MOST_WAITING:
            self._queue.put(line)
            self._behind = False
        elif not self._behind:
            self._behind = True
            logger.warning("the journal's disk is too slow, calls are in Redis alone")

    def _write_all(self) -> None:
        while (entry := self._queue.get()) is not None:
            lines: list[bytes] = []
            while isinstance(entry, bytes):  # all that wait in one write
                lines.append(entry)
                try:
                    entry = self._queue.get_nowait()
                except Empty:
                    break
            if lines:
                self._write(b"".join(lines))
            if isinstance(entry, Event):
                self._end_file()
                entry.set()
            elif entry is None:
                break
        self._end_file()

    def _write(self, lines: bytes) -> None:
        try:
            if self._file is None:
                path = self._folder / (new_id() + SUFFIX)
                self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            if os.write(self._file, lines) < len(lines):
                raise OSError(0, "the disk is full")
            self._failing = False
        except OSError as error:
            self._end_file()  # it may end in half a line
            if not self._failing:
                logger.warning("the journal can't be written, calls are in Redis alone: %s", error.strerror)
            self._failing = True

    def _end_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
