"""Reads an answer's `Content-Encoding` (gzip, deflate, br, zstd) as it streams by, so that a compressed answer is metered too.

Works in small steps, each with a bound on what it gives, and gives up where an answer swells beyond all measure.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import brotli
import zstandard

_STEP = 64 * 1024
"""Bytes that one step of zlib or brotli gives."""
_ZSTD_STEP = 256
"""Bytes that one step of zstd takes: its decoder has no bound, but a block of a few bytes gives 128 KiB at most."""
_MOST = 256 * 1024 * 1024
"""Decoded bytes beyond which an answer is no longer read."""

Step = Callable[[bytes], Iterator[bytes]]


class Decoding:
    """`feed` gives what was compressed. `broken`: nothing more can be read."""

    def __init__(self, coding: str) -> None:
        """`coding`: one of `CODINGS`."""
        self._step: Step = _STEPS[coding]()
        self._given = 0
        self.broken = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self.broken:
            return
        try:
            for piece in self._step(data):
                self._given += len(piece)
                if self._given > _MOST:
                    self.broken = True
                    return
                yield piece
        except (zlib.error, brotli.error, zstandard.ZstdError):
            self.broken = True


class _Zlib:
    """gzip, as one member or several, and deflate, with its zlib head or, as some send it, without."""

    def __init__(self, window_bits: int | None) -> None:
        """None: to be told by the first byte."""
        self._bits = window_bits
        self._decoder = zlib.decompressobj(window_bits) if window_bits else None

    def __call__(self, data: bytes) -> Iterator[bytes]:
        full = False
        while data or full:
            if self._decoder is None:
                self._bits = self._bits or (zlib.MAX_WBITS if data[0] & 0x8F == zlib.DEFLATED else -zlib.MAX_WBITS)
                self._decoder = zlib.decompressobj(self._bits)
            piece = self._decoder.decompress(data, _STEP)
            yield piece
            if self._decoder.eof:
                data, full, self._decoder = self._decoder.unused_data, False, None
            else:
                data, full = self._decoder.unconsumed_tail, len(piece) == _STEP  # it may hold more than it took


def _brotli() -> Step:
    decoder = brotli.Decompressor()

    def step(data: bytes) -> Iterator[bytes]:
        while piece := decoder.process(data, output_buffer_limit=_STEP):
            yield piece
            data = b""

    return step


def _zstd() -> Step:
    decoder = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)

    def step(data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_STEP):
            yield decoder.decompress(data[start : start + _ZSTD_STEP])

    return step


_STEPS: dict[str, Callable[[], Step]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(None),
    "br": _brotli,
    "zstd": _zstd,
}
CODINGS = frozenset(_STEPS)
