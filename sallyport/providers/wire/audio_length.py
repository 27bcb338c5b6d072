"""How long a sound file is, by its size: exact for WAV, whose head tells its rate; else by a low rate of speech."""

from __future__ import annotations

from collections.abc import Iterable

from sallyport.providers.usage import File

_SLOW = 2_000
"""Bytes a second: speech at 16 kbit/s. Common are 32 to 128 kbit/s, so that this is rather too long than too short."""
_SLOWEST = 750
"""6 kbit/s, the least that Opus goes (RFC 6716, 2.1.1)."""
_BYTE_RATE = slice(28, 32)
"""Of a WAV file whose first chunk is `fmt `, as all common writers have it (RIFF, "Multimedia Programming Interface", 1991)."""


def audio_ms(files: Iterable[File], *, worst: bool) -> int:
    """Milliseconds, of all together."""
    return sum(-(-file.size * 1000 // _rate(file, worst=worst)) for file in files)


def _rate(file: File, *, worst: bool) -> int:
    head = file.head
    if not worst and head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt " and len(head) >= _BYTE_RATE.stop:
        return max(int.from_bytes(head[_BYTE_RATE], "little"), _SLOWEST)
    return _SLOWEST if worst else _SLOW
