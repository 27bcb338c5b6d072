from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from itertools import pairwise

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.decoding import CODINGS, Decoding


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


COMPRESSED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstandard.compress),
]
TWICE = [entry for entry in COMPRESSED if entry[0] in ("gzip", "zstd")]
"""Codings of which several may stand one after another."""


@pytest.mark.parametrize(("coding", "compress"), COMPRESSED)
@settings(deadline=None)
@given(data=st.binary(max_size=3000) | st.sampled_from([bytes(200_000)]), cuts=st.lists(st.integers(0, 3000), max_size=8))
def test_in_any_pieces(coding: str, compress: Callable[[bytes], bytes], data: bytes, cuts: list[int]):
    packed = compress(data)
    places = sorted({0, len(packed), *(cut % (len(packed) + 1) for cut in cuts)})
    decoding = Decoding(coding)
    read = [b"".join(decoding.feed(packed[start:end])) for start, end in pairwise(places)]
    assert b"".join(read) == data
    assert not decoding.broken


@pytest.mark.parametrize(("coding", "compress"), TWICE)
def test_one_after_another(coding: str, compress: Callable[[bytes], bytes]):
    assert b"".join(Decoding(coding).feed(compress(b"one") + compress(b"two"))) == b"onetwo"


@pytest.mark.parametrize(("coding", "compress"), COMPRESSED)
def test_what_has_come_is_read_at_once(coding: str, compress: Callable[[bytes], bytes]):
    """Of a stream whose server flushes after each event."""
    flushing = {
        "gzip": lambda: zlib.compressobj(wbits=16 + zlib.MAX_WBITS),
        "x-gzip": lambda: zlib.compressobj(wbits=16 + zlib.MAX_WBITS),
        "deflate": zlib.compressobj,
    }
    decoding = Decoding(coding)
    if coding == "br":
        brotli_compressor = brotli.Compressor()
        first = brotli_compressor.process(b"data: 1\n\n") + brotli_compressor.flush()
    elif coding == "zstd":
        zstd_compressor = zstandard.ZstdCompressor().compressobj()
        first = zstd_compressor.compress(b"data: 1\n\n") + zstd_compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    else:
        compressor = flushing[coding]()
        first = compressor.compress(b"data: 1\n\n") + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert b"".join(decoding.feed(first)) == b"data: 1\n\n"


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_what_is_no_such_data_breaks_the_reading_and_nothing_else(coding: str):
    decoding = Decoding(coding)
    assert b"".join(decoding.feed(b"\xff\xff not compressed at all" * 20)) == b""
    assert decoding.broken
    assert list(decoding.feed(gzip.compress(b"more"))) == []


@pytest.mark.parametrize(("coding", "compress"), COMPRESSED)
def test_an_answer_that_swells_is_read_in_bounded_pieces_and_given_up(coding: str, compress: Callable[[bytes], bytes]):
    packed = compress(bytes(300 * 1024 * 1024))
    decoding, read = Decoding(coding), 0
    for piece in decoding.feed(packed):
        assert len(piece) <= 16 * 1024 * 1024
        read += len(piece)
    assert decoding.broken
    assert read <= 256 * 1024 * 1024
