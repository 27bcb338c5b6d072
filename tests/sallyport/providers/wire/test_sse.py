from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.wire.sse import SseEvent, SseParser

LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
EVENT = st.lists(LINE, min_size=1, max_size=3)


@given(st.lists(EVENT, max_size=5), st.sampled_from(["\n", "\r\n"]), st.lists(st.integers(0, 500)))
def test_events_are_the_same_however_the_stream_is_cut(events: list[list[str]], end: str, cuts: list[int]):
    stream = "".join("".join(f"data: {line}{end}" for line in lines) + end for lines in events).encode()
    parser = SseParser()
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    found = [event for start, stop in pairwise(places) for event in parser.feed(stream[start:stop])]
    assert [event.data.decode() for event in found] == ["\n".join(lines) for lines in events]
    assert b"".join(event.raw for event in found) == stream
    assert parser.take() == b""


def test_names_comments_and_fields_without_a_space():
    events = SseParser().feed(b": keep-alive\n\nevent: ping\ndata:1\nid: 7\n\nevent:x\r\ndata:  two\r\n\r\n")
    assert [(event.name, event.data) for event in events] == [("", b""), ("ping", b"1"), ("x", b" two")]


def test_line_ends_may_be_mixed():
    assert [event.data for event in SseParser().feed(b"data: a\n\r\ndata: b\r\n\n")] == [b"a", b"b"]


def test_an_event_past_the_limit_ends_the_reading_and_is_given_back():
    parser = SseParser(limit=10)
    assert [event.data for event in parser.feed(b"data: 1\n\ndata: 234567890")] == [b"1"]
    assert parser.overflowed
    assert parser.take() == b"data: 234567890"
    assert parser.feed(b"\n\n") == []


def test_a_single_line_of_data_is_parsed_without_its_end():
    assert SseEvent.parse(b"data: [DONE]").data == b"[DONE]"


def test_every_place_may_be_cut():
    stream = b"data: a\r\n\r\ndata: b\n\n: c\r\n\r\ndata: d\n\r\n"
    whole = SseParser().feed(stream)
    parser = SseParser()
    assert [event for place in range(len(stream)) for event in parser.feed(stream[place : place + 1])] == whole
    for place in range(len(stream)):
        parser = SseParser()
        assert parser.feed(stream[:place]) + parser.feed(stream[place:]) == whole
