"""How a client and a bill see an answer: fed to a meter in any pieces."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import pytest

from sallyport.providers.base import WireFormat
from sallyport.providers.usage import Usage


@dataclass(frozen=True)
class Seen:
    """What came out of a meter."""

    client: bytes
    usage: Usage | None
    partial: Usage | None
    model: str | None
    complete: bool
    chars: int


Metered = Callable[..., Seen]


@pytest.fixture(scope="session")
def metered() -> Metered:
    """`metered(wire, answer, content_type, cuts=(…))`: feed the answer in the pieces that the cuts make."""

    def run(
        wire: WireFormat,
        answer: bytes,
        content_type: str = "application/json",
        *,
        cuts: Iterable[int] = (),
        status: int = 200,
        prepared: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Seen:
        meter = wire.meter(status=status, headers={"content-type": content_type, **(headers or {})}, prepared=prepared)
        places = sorted({0, len(answer), *(cut % (len(answer) + 1) for cut in cuts)})
        client = b"".join(meter.feed(answer[start:end]) for start, end in pairwise(places))
        client += meter.finish()
        return Seen(client, meter.usage, meter.partial, meter.model, meter.complete, meter.output_chars)

    return run
