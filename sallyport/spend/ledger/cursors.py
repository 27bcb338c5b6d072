"""Keyset cursors: a list goes on after the last row that was seen, whatever was added in front meanwhile."""

import base64
import binascii
import math

from sallyport.store.errors import Invalid

MAX_LIMIT = 1000


def encode_cursor(at: float, row_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at!r} {row_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[float, str]:
    """Raises Invalid for anything that `encode_cursor` did not make."""
    try:
        text = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        at, _, row_id = text.partition(" ")
        if not row_id or "\x00" in row_id or not math.isfinite(float(at)):
            raise ValueError
        return float(at), row_id
    except (ValueError, binascii.Error, UnicodeError):
        raise Invalid("cursor: not one that a list of ours gave") from None


def check_limit(limit: int) -> int:
    """Raises Invalid."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid(f"limit: must be 1 to {MAX_LIMIT}, not {limit}")
    return limit
