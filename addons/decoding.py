"""Content codings (gzip, deflate, br, zstd): read piece by piece as they come, with bounds, and made.

Works in small steps, each with a bound on what it gives, and gives up where what is read swells beyond measure.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli
import zstandard

_STEP = 64 * 1024
"""Bytes that one step of zlib or brotli gives."""
_ZSTD_STEP = 256
"""Bytes that one step of zstd takes: its decoder has no bound, but a block of a few bytes gives 128 KiB at most."""
_MOST = 256 * 1024 * 1024
"""Decoded bytes beyond which an answer is no longer read."""


class Step(Protocol):
    def __call__(self, data: bytes) -> Iterator[bytes]: ...
    @property
    def ended(self) -> bool:
        """Whether what came so far may be all."""
        ...


class Decoding:
    """`feed` gives what was compressed. `broken`: nothing more can be read; `swollen`: because it is too much."""

    def __init__(self, coding: str, most: int = _MOST) -> None:
        """`coding`: one of `CODINGS`. `most`: decoded bytes."""
        self._step: Step = _STEPS[coding]()
        self._most = most
        self._given = 0
        self.broken = False
        self.swollen = False

    @property
    def complete(self) -> bool:
        return not self.broken and self._step.ended

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self.broken:
            return
        try:
            for piece in self._step(data):
                self._given += len(piece)
                if self._given > self._most:
                    self.broken = self.swollen = True
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

    @property
    def ended(self) -> bool:
        return self._decoder is None and self._bits is not None

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


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def ended(self) -> bool:
        return self._decoder.is_finished()

    def __call__(self, data: bytes) -> Iterator[bytes]:
        while piece := self._decoder.process(data, output_buffer_limit=_STEP):
            yield piece
            data = b""


class _Zstd:
    ended = True
    """Of several frames the decoder can't tell; JSON that is cut short is none."""

    def __init__(self) -> None:
        self._decoder = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)

    def __call__(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_STEP):
            yield self._decoder.decompress(data[start : start + _ZSTD_STEP])


_STEPS: dict[str, Callable[[], Step]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(None),
    "br": _Brotli,
    "zstd": _Zstd,
}
CODINGS = frozenset(_STEPS)

# the fastest level of each: a request waits for it, on the event loop (1 to 3 ms for 284 KB; gzip's usual level takes 9)
_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "x-gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "deflate": lambda data: zlib.compress(data, 1),
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": lambda data: zstandard.compress(data, 1),
}


def encode(data: bytes, coding: str) -> bytes:
    """`coding`: one of `CODINGS`."""
    return _ENCODERS[coding](data)
