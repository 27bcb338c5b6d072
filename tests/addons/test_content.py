import contextlib
import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from addons.content import ContentError, decompress

LIMIT = 100_000
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "": bytes,
}


@given(st.binary(max_size=1000), st.sampled_from(sorted(ENCODERS)))
def test_what_was_compressed_comes_back(data: bytes, encoding: str):
    assert decompress(ENCODERS[encoding](data), encoding, LIMIT) == data


def test_raw_deflate_is_read_too():
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    assert decompress(compressor.compress(b"hello") + compressor.flush(), "deflate", LIMIT) == b"hello"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_small_body_that_becomes_huge_is_refused_early(encoding: str):
    with pytest.raises(ContentError) as error:
        decompress(ENCODERS[encoding](b"\0" * 50_000_000), encoding, LIMIT)
    assert error.value.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_truncated_data_is_named_as_such(encoding: str):
    with pytest.raises(ContentError) as error:
        decompress(ENCODERS[encoding](b"hello world, hello world")[:-3], encoding, LIMIT)
    assert error.value.status == 415
    assert encoding in str(error.value)


def test_an_unknown_encoding_is_unsupported():
    with pytest.raises(ContentError) as error:
        decompress(b"x", "snappy", LIMIT)
    assert error.value.status == 415


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "zstd"]))
def test_garbage_never_crashes(data: bytes, encoding: str):
    with contextlib.suppress(ContentError):
        decompress(data, encoding, LIMIT)
