"""Each documented answer of each format, cut anywhere: client, bill and ending are those of the answer in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.usage.cases import cases
from sallyport.providers import PROVIDERS
from sallyport.providers.base import WireFormat
from sallyport.providers.usage import Usage
from tests.sallyport.providers.wire.conftest import Metered
from tests.sallyport.providers.wire.streams import FRAMES, SSE, STREAMS

CUTS = st.lists(st.integers(0, 1 << 20), max_size=12)
USAGE = Usage(input_tokens=10, output_tokens=20)


@dataclass(frozen=True)
class Answer:
    wire: WireFormat
    content_type: str
    data: bytes
    headers: dict[str, str]
    prepared: bool


def _answers() -> Iterable[Any]:
    for case in cases():
        operation = PROVIDERS[case.provider].operation("POST", case.path)
        assert operation is not None, case
        assert operation.wire is not None, case
        prepared = operation.wire.prepare(dict(case.request))
        answer = Answer(operation.wire, case.content_type, case.answer, case.headers, prepared)
        yield pytest.param(answer, id=f"{case.provider}: {case.name}")
    for name, stream in STREAMS.items():
        yield pytest.param(Answer(stream.wire, stream.content_type, stream.data, {}, prepared=False), id=name)


ANSWERS = list(_answers())


@pytest.mark.parametrize("answer", ANSWERS)
@settings(deadline=None, max_examples=25)
@given(cuts=CUTS)
def test_any_pieces(metered: Metered, answer: Answer, cuts: list[int]):
    def seen(cuts: Iterable[int]) -> Any:
        return metered(answer.wire, answer.data, answer.content_type, cuts=cuts, prepared=answer.prepared, headers=answer.headers)

    whole = seen(())
    assert seen(cuts) == whole
    assert whole.complete
    assert answer.prepared or whole.client == answer.data


@pytest.mark.parametrize("answer", ANSWERS)
def test_byte_by_byte(metered: Metered, answer: Answer):
    kinds = {"prepared": answer.prepared, "headers": answer.headers}
    every = range(len(answer.data))
    whole = metered(answer.wire, answer.data, answer.content_type, **kinds)
    assert metered(answer.wire, answer.data, answer.content_type, cuts=every, **kinds) == whole


@pytest.mark.parametrize("name", STREAMS)
@settings(deadline=None, max_examples=25)
@given(data=st.data(), cuts=CUTS)
def test_a_stream_ends_alike_after_any_pieces(name: str, data: st.DataObject, cuts: list[int]):
    """Stopped within an event, too: what has begun to leave is finished first, so the ending is that of the events before."""
    stream = STREAMS[name]
    after: int = data.draw(st.integers(0, len(stream.events) - 1))
    said = b"".join(event for event, _ in stream.events[:after])
    begun: int = data.draw(st.integers(0, len(stream.events[after][0]) - 1))
    one, pieces = (stream.wire.meter(status=200, headers={"content-type": stream.content_type}, prepared=False) for _ in "12")
    one.feed(said)
    places = sorted({0, len(said), *(cut % (len(said) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        pieces.feed(said[start:end])
    pieces.feed(stream.events[after][0][:begun])
    assert pieces.unfinished == begun
    assert pieces.ending("no more", USAGE) == one.ending("no more", USAGE)


@pytest.mark.parametrize("answer", [answer for answer in ANSWERS if answer.values[0].content_type in (SSE, FRAMES)])
@settings(deadline=None, max_examples=25)
@given(at=st.integers(0, 1 << 20), noise=st.binary(min_size=1, max_size=40), cuts=CUTS)
def test_garbage_in_the_middle_passes_and_crashes_nothing(
    metered: Callable[..., Any], answer: Answer, at: int, noise: bytes, cuts: list[int]
):
    at %= len(answer.data)
    broken = replace(answer, data=answer.data[:at] + noise + answer.data[at + len(noise) :])
    seen = metered(broken.wire, broken.data, broken.content_type, cuts=cuts, headers=broken.headers)
    assert seen.client == broken.data
