"""The way to one LangSmith endpoint: a bounded queue, and a thread that sends it in batches through the SDK."""

# The SDK's client is typed loosely:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import requests
from urllib3.util import Retry

from sallyport.tracing.langsmith_run import LangSmithTarget, run_of
from sallyport.tracing.record import CallRecord
from sallyport.upstream_proxy import UpstreamProxy

if TYPE_CHECKING:
    from langsmith import Client

logger = logging.getLogger(__name__)

# The SDK logs a part of the API key with every failure; we say what failed ourselves.
logging.getLogger("langsmith.client").setLevel(logging.CRITICAL)

_MOST_RECORDS = 10_000
_MOST_BYTES = 64 * 1024 * 1024
_BATCH_RECORDS = 100
_BATCH_BYTES = 10 * 1024 * 1024  # LangSmith takes 20 MB
_GATHER_SECONDS = 0.2
_IDLE_SECONDS = 60.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_REFUSED_RUNS = frozenset({400, 413, 415, 422})
"""LangSmith does not take one of the runs, and never will."""
_REFUSED_KEY = frozenset({401, 403, 404})
"""Nothing can be sent there."""


class Outbox:
    """`put` never blocks. While LangSmith is down the newest records wait, the oldest are dropped and counted."""

    def __init__(self, target: LangSmithTarget, proxy: UpstreamProxy | None = None) -> None:
        self._target = target
        self._proxy = proxy
        self._queue: deque[tuple[CallRecord, str, int]] = deque()
        self._bytes = 0
        self._in_hand = 0
        self._changed = threading.Condition()
        self._closing = False
        self._ended = False
        self._errors: list[Exception] = []
        self._failing: str | None = None
        self.dropped = 0
        # A daemon: a LangSmith that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="langsmith", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._queue) + self._in_hand

    def put(self, record: CallRecord, project: str) -> bool:
        """False: this outbox has ended (it was idle for long); make a new one."""
        size = _size(record)
        with self._changed:
            if self._ended:
                return False
            self._queue.append((record, project, size))
            self._bytes += size
            while len(self._queue) > _MOST_RECORDS or (self._bytes > _MOST_BYTES and len(self._queue) > 1):
                self._bytes -= self._queue.popleft()[2]
                self._drop(1)
            self._changed.notify_all()
        return True

    def close(self, seconds: float) -> None:
        """Wait that long for the queue to empty. Blocks."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            client = self._client()
        except Exception as error:  # noqa: BLE001, RUF100 - the SDK has its own opinion of environment variables
            logger.error("LangSmith can't be used", extra={"endpoint": self._target.endpoint, "error": type(error).__name__})
            with self._changed:
                self._ended = True
                self._drop(len(self._queue))
            return
        while (taken := self._take()) is not None:
            runs = [run for record, project in taken if (run := self._run_of(record, project)) is not None]
            if runs:
                self._deliver(client, runs)
            self._in_hand = 0
        client.close(timeout=0)

    def _client(self) -> Client:
        from langsmith import Client  # half a second and 40 MB, for those only who use it

        session = requests.Session()
        if self._proxy:  # instead of what the environment names
            session.trust_env = False
            session.proxies = self._proxy.for_requests(urlsplit(self._target.endpoint).hostname or "")
        return Client(
            session=session,
            api_url=self._target.endpoint,
            api_key=self._target.api_key.reveal(),
            workspace_id=self._target.tenant_id,  # not the environment's: it may belong to another key
            auto_batch_tracing=False,  # its queue drops the newest, and its thread outlives the process's end
            retry_config=Retry(total=0),
            tracing_mode="langsmith",
            omit_traced_runtime_info=True,  # environment variables are nobody's metadata
            tracing_error_callback=self._errors.append,
            disable_prompt_cache=True,
        )

    def _take(self) -> list[tuple[CallRecord, str]] | None:
        """The next batch; waits for it. None: the outbox has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing, _IDLE_SECONDS)
            if not self._queue:
                self._ended = True
                return None
            # Calls come in bursts: a short wait lets one request carry many.
            self._changed.wait_for(lambda: len(self._queue) >= _BATCH_RECORDS or self._closing, _GATHER_SECONDS)
            taken: list[tuple[CallRecord, str]] = []
            size = 0
            while self._queue and len(taken) < _BATCH_RECORDS and (not taken or size + self._queue[0][2] <= _BATCH_BYTES):
                record, project, bytes_ = self._queue.popleft()
                taken.append((record, project))
                size += bytes_
            self._bytes -= size
            self._in_hand = len(taken)
            return taken

    def _run_of(self, record: CallRecord, project: str) -> dict[str, Any] | None:
        try:
            return run_of(record, project)
        except (ValueError, OverflowError):
            self._drop(1)
            logger.warning("a call can't be shown as a run", extra={"call": record.id})
            return None

    def _deliver(self, client: Client, runs: list[dict[str, Any]]) -> None:
        """Send until LangSmith has them, or refuses them for good."""
        pause = _FIRST_PAUSE
        while (error := self._send(client, runs)) is not None:
            status = _status(error)
            if status in _REFUSED_RUNS and len(runs) > 1:
                for run in runs:  # one of them is at fault; the others go
                    self._deliver(client, [run])
                return
            if self._failing is None or status in _REFUSED_RUNS:
                extra = {"endpoint": self._target.endpoint, "status": status, "error": type(error).__name__, "runs": len(runs)}
                logger.warning("LangSmith does not take runs", extra=extra)
            if status in _REFUSED_RUNS | _REFUSED_KEY:
                self._drop(len(runs))
                return
            self._failing = type(error).__name__
            with self._changed:
                if self._changed.wait_for(lambda: self._closing, pause):
                    self._drop(len(runs))
                    return
            pause = min(pause * 2, _LONGEST_PAUSE)
        self._failing = None

    def _send(self, client: Client, runs: list[dict[str, Any]]) -> Exception | None:
        self._errors.clear()
        try:
            client.multipart_ingest(create=[dict(run) for run in runs])
        except Exception as error:  # noqa: BLE001, RUF100 - no failure of the SDK may end this thread
            return error
        return self._errors[0] if self._errors else None

    def _drop(self, count: int) -> None:
        with self._changed:
            self.dropped += count


def _size(record: CallRecord) -> int:
    """Roughly, in bytes."""
    bodies = 0 if record.inputs is None and record.outputs is None else len(orjson.dumps([record.inputs, record.outputs]))
    return 2048 + bodies


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error of the SDK, which keeps it only as the error's context."""
    while error is not None:
        if isinstance(error, requests.HTTPError) and error.response is not None:
            return error.response.status_code
        error = error.__cause__ or error.__context__
    return None
