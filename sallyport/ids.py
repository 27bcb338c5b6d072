"""Identifiers: time-ordered UUIDs, so that the newest row is the last row."""

import os
import time
import uuid


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7) in its canonical 36-character form."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | (random >> 68 & 0xFFF) << 64  # version
    value |= 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF  # variant
    return str(uuid.UUID(int=value))
