"""What the scripts are told: calls, caps and limits as keys and arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from policies.rate_limit import Limit
from policies.spend_cap import Cap
from policies.subjects import base_fields
from sallyport.spend import keys
from sallyport.spend.script import Argument
from sallyport.spend.windows import WINDOWS
from sallyport.tracing.record import CallRecord

BUCKETS = 60
"""A rate limit's window slides by sub-buckets, 60 to a window: what was admitted counts for the window's length and up to a
sixtieth more. So never more than the limit's value begins in any such window, and nobody waits more than a sixtieth too long."""
BUCKET_SECONDS = {"minute": 1, "hour": 60, "day": 1440, "week": 7 * 1440, "month": 30 * 1440}
_MARKER_SECONDS = 900
"""How long a settled call is remembered: longer than a worker repeats a settlement that it got no answer to."""


def keep_seconds(window: str) -> int:
    """How long a rate limit's counter is kept after its last call."""
    return BUCKET_SECONDS[window] * (BUCKETS + 2)


def subjects(record: CallRecord) -> tuple[str, ...]:
    """Those whose spend is counted always."""
    return base_fields(record.organization_id or keys.NOBODY, record.workspace_id, record.user_id, record.api_key_id)


def extra_subjects(record: CallRecord, caps: Iterable[Cap]) -> list[str]:
    """Those whose spend is counted because a cap is about several conditions, or about a header."""
    return sorted({cap.field for cap in caps}.difference(subjects(record)))


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a call will probably and at worst cost, and how many tokens it will probably use."""

    expected_nano: int
    worst_nano: int
    expected_tokens: int

    def reserved_under(self, caps: Iterable[Cap]) -> int:
        """What is reserved: the worst where one of them is strict."""
        return self.worst_nano if any(cap.strict for cap in caps) else self.expected_nano


def admission(
    record: CallRecord, caps: Sequence[Cap], limits: Sequence[Limit], amounts: Amounts, now: float, lease_end: float
) -> tuple[list[str], list[Argument]]:
    """KEYS and ARGV of admit.lua. Windows are those of the call's start, as in the ledger."""
    organization = record.organization_id
    windows, expire = keys.spend_windows(organization, record.started_at)
    held = {(WINDOWS.index(cap.window) + 1, cap.field) for cap in caps}
    counters = _Counters(organization, amounts.expected_tokens, now)
    checks = [[counters.index(limit), limit.value] for limit in limits]
    reservation = {
        "amount": str(amounts.reserved_under(caps)),
        "expected": str(amounts.expected_nano),
        "held": sorted(held),
        "extra": extra_subjects(record, caps),
        "rates": counters.of_tokens,
        "tokens": amounts.expected_tokens,
    }
    plan = {
        "caps": [
            [WINDOWS.index(cap.window) + 1, cap.field, cap.limit_nano, max(amounts.worst_nano, 1) if cap.strict else 1, cap.most]
            for cap in caps
        ],
        "limits": checks,
        "counters": counters.plans,
        "expire": expire,
    }
    pending = record if record.inputs is None else replace(record, inputs=None)  # bodies are too large to keep twice
    arguments: list[Argument] = [record.id, lease_end, pending.to_json(), orjson.dumps(reservation), orjson.dumps(plan)]
    return [*_reserving(record, windows), *counters.keys], arguments


def restoration(record: CallRecord, reservation: Argument, lease_end: float) -> tuple[list[str], list[Argument]]:
    """KEYS and ARGV of admit.lua for a call that was admitted before, and whose reservation Redis may have lost."""
    windows, expire = keys.spend_windows(record.organization_id, record.started_at)
    plan: dict[str, Any] = {"caps": [], "limits": [], "counters": [], "expire": expire}
    return _reserving(record, windows), [record.id, lease_end, record.to_json(), reservation, orjson.dumps(plan)]


def _reserving(record: CallRecord, windows: Iterable[str]) -> list[str]:
    organization = record.organization_id
    names = [keys.reservations(organization), keys.pending(organization), keys.leases(organization)]
    return [*names, keys.settled(organization, record.id), *windows, keys.epoch(organization)]


def topping_up(record: CallRecord, caps: Sequence[Cap], spent_nano: int, wanted_nano: int) -> tuple[list[str], list[Argument]]:
    """KEYS and ARGV of top_up.lua."""
    windows, expire = keys.spend_windows(record.organization_id, record.started_at)
    plan = {
        "caps": [[WINDOWS.index(cap.window) + 1, cap.field, cap.limit_nano, cap.strict] for cap in caps],
        "expire": expire,
    }
    names = [keys.reservations(record.organization_id), *windows]
    return names, [record.id, str(spent_nano), str(wanted_nano), orjson.dumps(plan)]


class _Counters:
    """The rate counters of one call: two policies about the same subject, metric and window share one."""

    def __init__(self, organization_id: str | None, expected_tokens: int, now: float) -> None:
        self.keys: list[str] = []
        self.plans: list[dict[str, Any]] = []
        self.of_tokens: list[list[str]] = []
        """Key and bucket of those that are corrected at settle."""
        self._organization_id = organization_id
        self._tokens = expected_tokens
        self._now = now

    def index(self, limit: Limit) -> int:
        """Which counter, from 1, this limit is about."""
        key = keys.rate(self._organization_id, limit.metric, limit.window, limit.field)
        if key in self.keys:
            return self.keys.index(key) + 1
        width = BUCKET_SECONDS[limit.window]
        bucket = int(self._now // width)
        self.keys.append(key)
        self.plans.append(
            {
                "amount": str(self._tokens if limit.metric == "tokens" else 1),
                "bucket": bucket,
                "width": width,
                "buckets": BUCKETS,
                "seconds": keep_seconds(limit.window),
            }
        )
        if limit.metric == "tokens":
            self.of_tokens.append([key, str(bucket)])
        return len(self.keys)


def settlement(
    record: CallRecord, *, extra: Iterable[str] = (), expired_by: float | None = None
) -> tuple[list[str], list[Argument]]:
    """KEYS and ARGV of settle.lua. `extra`: what caps count beside the subjects that are counted always; a reservation says so
    too, but may be lost. `expired_by`: settle only if the call's lease has run out by then.
    """
    organization = record.organization_id
    windows, expire = keys.spend_windows(organization, record.started_at)
    bill = {
        "cost": "0" if record.passthrough else str(record.cost_nano),
        "subjects": [*subjects(record), *extra],
        "expire": expire,
        "tokens": record.input_tokens + record.output_tokens,
        "marker_seconds": _MARKER_SECONDS,
    }
    names = [keys.reservations(organization), keys.pending(organization), keys.leases(organization)]
    names += [keys.settled(organization, record.id), keys.calls_stream(organization), *windows, keys.since(organization)]
    return names, [record.id, record.to_json(), orjson.dumps(bill), "" if expired_by is None else expired_by]
