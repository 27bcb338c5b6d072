"""The names of everything spend keeps in Redis.

All keys of one organization carry its hash tag, so that every script stays in one cluster slot.

| key | type | what |
|---|---|---|
| `{org}:spend:<window>:<window id>` | hash | `<subject>` → settled nano-dollars; `held:<subject>` → reserved ones |
| `{org}:reservations` | hash | call id → JSON: amount, where it is held, what else to count; `grant:…`: set aside |
| `{org}:pending` | hash | call id → the CallRecord as it stood at admission |
| `{org}:leases` | sorted set | call id → when its reservation runs out |
| `{org}:settled:<call id>` | string | this call has been charged; kept for a while |
| `{org}:rate:<metric>:<window>:<subject>` | hash | sub-bucket → requests or tokens in it |
| `{org}:calls` | stream | finished CallRecords for the recorder, field `record` |
| `{org}:since` | set | while counters are compared with the ledger: the calls settled since that began, and who compares |
| `{org}:epoch` | string | the counters are whole; missing after Redis came up empty, then another one |
| `{-}:rejections:<host name>` | hash | reason → what was turned down before it was a call |
"""

from __future__ import annotations

from functools import lru_cache

from sallyport.spend.windows import WINDOWS, window_end, window_id

NOBODY = "-"
"""Stands for the organization of a call whose caller is unknown."""
KEEP_SECONDS = 3 * 86400
"""How long counters outlive their window, for late settlements and for a look back."""


def tag(organization_id: str | None) -> str:
    return f"{{{organization_id or NOBODY}}}"


def calls_stream(organization_id: str | None) -> str:
    return f"{tag(organization_id)}:calls"


def reservations(organization_id: str | None) -> str:
    return f"{tag(organization_id)}:reservations"


def pending(organization_id: str | None) -> str:
    return f"{tag(organization_id)}:pending"


def leases(organization_id: str | None) -> str:
    return f"{tag(organization_id)}:leases"


def settled(organization_id: str | None, call_id: str) -> str:
    return f"{tag(organization_id)}:settled:{call_id}"


def rate(organization_id: str | None, metric: str, window: str, field: str) -> str:
    return f"{tag(organization_id)}:rate:{metric}:{window}:{field}"


def since(organization_id: str | None) -> str:
    return f"{tag(organization_id)}:since"


def epoch(organization_id: str | None) -> str:
    return f"{tag(organization_id)}:epoch"


def rejections(gateway: str) -> str:
    return f"{tag(None)}:rejections:{gateway}"


def batch_file(organization_id: str | None, provider: str, file_id: str) -> str:
    return f"{tag(organization_id)}:batch-file:{provider}:{file_id}"


def spend(organization_id: str | None, window: str, at: float) -> str:
    return f"{tag(organization_id)}:spend:{window}:{window_id(window, at)}"


def spend_windows(organization_id: str | None, at: float) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The spend keys of the windows that hold `at`, in the order of WINDOWS, and when each may vanish (UTC seconds)."""
    return _spend_windows(organization_id, int(at // 3600))


@lru_cache(maxsize=1024)
def _spend_windows(organization_id: str | None, hour: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    at = hour * 3600  # no window begins within an hour
    names = tuple(spend(organization_id, window, at) for window in WINDOWS)
    return names, tuple(int(window_end(window, at)) + KEEP_SECONDS for window in WINDOWS)
