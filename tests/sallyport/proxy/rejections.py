"""What a worker counts of what it turned down before it was a call."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager

from sallyport.spend import keys
from tests.sallyport.proxy.gateway import Worker
from tests.sallyport.proxy.wire import eventually


def counted(worker: Worker) -> dict[str, int]:
    """By reason."""
    found: dict[bytes, bytes] = worker.records.hgetall(keys.rejections(socket.gethostname()))  # pyright: ignore[reportAssignmentType]
    return {reason.decode(): int(number) for reason, number in found.items()}


@contextmanager
def counts(worker: Worker, *reasons: str) -> Generator[None]:
    """What is done meanwhile is counted as these, and the process that did it goes on and still serves."""
    before = counted(worker)
    yield

    def grown() -> dict[str, int]:
        return {
            reason: number - before.get(reason, 0) for reason, number in counted(worker).items() if number > before.get(reason, 0)
        }

    expected = {reason: reasons.count(reason) for reason in reasons}
    eventually(lambda: grown() == expected, f"{expected}; counted was {grown()}")
    assert worker.process.poll() is None, worker.log.read_text()
    worker.works()
