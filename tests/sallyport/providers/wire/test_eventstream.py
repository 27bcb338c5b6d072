import contextlib
import struct
from itertools import pairwise
from typing import Any
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer  # pyright: ignore[reportMissingTypeStubs]
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.wire.eventstream import EventStreamDecoder, EventStreamError, HeaderValue, encode_frame

VALUE = st.one_of(st.text(max_size=20), st.binary(max_size=20), st.booleans(), st.integers(-(2**63), 2**63 - 1))
HEADERS = st.dictionaries(st.text(min_size=1, max_size=10), VALUE, max_size=4)
FRAMES = st.lists(st.tuples(HEADERS, st.binary(max_size=60)), max_size=4)

FRAME = encode_frame({":event-type": "metadata", ":message-type": "event"}, b'{"usage":{}}')


@given(FRAMES, st.lists(st.integers(0, 1000)))
def test_what_is_encoded_is_decoded_however_it_is_cut(frames: list[tuple[dict[str, HeaderValue], bytes]], cuts: list[int]):
    stream = b"".join(encode_frame(headers, payload) for headers, payload in frames)
    decoder = EventStreamDecoder()
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    found = [frame for start, end in pairwise(places) for frame in decoder.feed(stream[start:end])]
    assert [(frame.headers, frame.payload) for frame in found] == frames


def test_amazons_own_decoder_reads_our_frames():
    buffer = EventStreamBuffer()
    buffer.add_data(FRAME)  # pyright: ignore[reportUnknownMemberType]
    event: Any = next(buffer)
    assert (event.headers, event.payload) == ({":event-type": "metadata", ":message-type": "event"}, b'{"usage":{}}')


def test_every_header_type_is_read():
    values = b"".join(
        bytes((1,)) + name + value
        for name, value in (
            (b"a", b"\x00"),
            (b"b", b"\x01"),
            (b"c", b"\x02\xff"),
            (b"d", b"\x03" + struct.pack(">h", -2)),
            (b"e", b"\x04" + struct.pack(">i", 3)),
            (b"f", b"\x08" + struct.pack(">q", 1_700_000_000_000)),
            (b"g", b"\x09" + bytes(range(16))),
        )
    )
    lengths = struct.pack(">II", 16 + len(values), len(values))
    body = lengths + struct.pack(">I", crc32(lengths)) + values
    (frame,) = EventStreamDecoder().feed(body + struct.pack(">I", crc32(body)))
    assert frame.headers == {"a": True, "b": False, "c": -1, "d": -2, "e": 3, "f": 1_700_000_000_000, "g": bytes(range(16))}


@pytest.mark.parametrize("place", range(len(FRAME)))
def test_one_changed_byte_is_noticed(place: int):
    changed = bytearray(FRAME)
    changed[place] ^= 1
    with pytest.raises(EventStreamError):
        list(EventStreamDecoder().feed(bytes(changed)))


@given(st.binary(max_size=200))
def test_noise_is_refused_or_awaited_but_never_breaks_the_decoder(noise: bytes):
    with contextlib.suppress(EventStreamError):
        list(EventStreamDecoder().feed(noise))


def test_an_exception_frame_says_so():
    raw = encode_frame({":message-type": "exception", ":exception-type": "throttlingException"}, b"{}")
    (frame,) = EventStreamDecoder().feed(raw)
    assert frame.is_error
    assert frame.event_type == "throttlingException"
