"""A NER process: `python -m sallyport.redaction.ner_server`, settings as JSON on stdin, its number in SALLYPORT_NER_NUMBER.

Answers on a unix socket. Rules run in one thread and the language model in another, so that secrets never wait for names. The
model (seconds to load, 500 MB) is loaded when a worker first asks for it.

A request is `{"id", "op", "texts", "until", …}` with `op` one of `scan` (by rules; `pii`, `secrets`), `names` (by the model) and
`warm`. The answer is `{"id", "found": [[[start, end, category], …] for each text]}` or `{"id", "error": "late" | "failed"}`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from sallyport.paths import DataDir
from sallyport.redaction import frames
from sallyport.redaction.finding import Finding
from sallyport.redaction.ner import NameFinder, OutOfTime
from sallyport.redaction.operator_rules import load_rules
from sallyport.redaction.scan import scan
from sallyport.supervisor.child import read_settings, report_ready
from sallyport.supervisor.logs import setup_logging

NUMBER = "SALLYPORT_NER_NUMBER"

log = logging.getLogger(__name__)

Answer = dict[str, Any]
Job = tuple[dict[str, Any], Callable[[Answer], None]]


class Lane:
    """A thread that does one kind of job, one after the other. It never delays the end of the process."""

    def __init__(self, work: Callable[[dict[str, Any]], list[list[Finding]]], name: str) -> None:
        self._work = work
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, request: dict[str, Any], answer: Callable[[Answer], None]) -> None:
        """`answer` is called in the lane's thread."""
        self._jobs.put((request, answer))

    def _run(self) -> None:
        while True:
            request, answer = self._jobs.get()
            answer({"id": request.get("id")} | self._do(request))

    def _do(self, request: dict[str, Any]) -> Answer:
        try:
            if time.monotonic() >= request["until"]:
                return {"error": "late"}
            return {"found": self._work(request)}
        except OutOfTime:
            return {"error": "late"}
        except Exception as error:  # whatever a text does to a finder, the next one must find us alive
            log.error("a %s request failed: %s", request.get("op"), type(error).__name__)
            return {"error": "failed"}


class NerServer:
    """The lanes, and the socket in front of them."""

    def __init__(self) -> None:
        self._finder: NameFinder | None = None
        names = Lane(self._names, "names")
        self._lanes = {"scan": Lane(_scan, "rules"), "names": names, "warm": names}

    async def serve(self, socket: Path) -> None:
        """Answer on `socket` until cancelled."""
        socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.umask(0o077)
        server = await asyncio.start_unix_server(self._converse, socket, limit=frames.STREAM_LIMIT)
        async with server:
            report_ready()
            await server.serve_forever()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()

        def send(frame: bytes) -> None:
            if not writer.is_closing():
                writer.write(frame)

        def answer(message: Answer) -> None:
            frame = frames.encode(message)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(send, frame)

        try:
            while True:
                request = await frames.read(reader)
                self._lanes[request["op"]].submit(request, answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except (frames.FrameError, KeyError, TypeError):
            log.warning("a client of the NER socket speaks another protocol")
        finally:
            writer.close()

    def _names(self, request: dict[str, Any]) -> list[list[Finding]]:
        if self._finder is None:
            self._finder = NameFinder()
        return [self._finder.find(text, request["until"]) for text in request["texts"]]


def _scan(request: dict[str, Any]) -> list[list[Finding]]:
    found = [scan(text, pii=request["pii"], secrets=request["secrets"], until=request["until"]) for text in request["texts"]]
    if time.monotonic() > request["until"]:
        raise OutOfTime  # not all may have been looked for, and nobody waits for it any more
    return found


async def _main(socket: Path) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, socket)
    await NerServer().serve(socket)


def _end(socket: Path) -> None:
    """At once: nobody waits for what the lanes are at, and native code aborts when the interpreter is taken down beneath it."""
    socket.unlink(missing_ok=True)
    os._exit(0)


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported: processes are how we use several cores
    settings = read_settings()
    setup_logging(settings, "ner")
    load_rules(settings.redaction_rules)
    asyncio.run(_main(DataDir(settings.data_dir).ner_socket(int(os.environ.get(NUMBER, "0")))))


if __name__ == "__main__":
    main()
