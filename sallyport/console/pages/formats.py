"""How numbers and times look on a page. Every filter takes None and shows a dash."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sallyport.money import nano_to_usd

DASH = "–"


def usd(amount: str | Decimal | None) -> str:
    """Dollars with cents; below ten cents with as many digits as it takes to show two that count: `$12.30`, `$0.0041`."""
    if amount is None:
        return DASH
    value = Decimal(amount)
    places = 2
    if value and abs(value) < Decimal("0.1"):
        places = min(9, 1 - value.adjusted())
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    sign = "-" if rounded < 0 else ""
    return f"{sign}${abs(rounded):,f}"


def cost(amount: int) -> str:
    """Nano-dollars with four decimals, so that a column of costs lines up: `$0.0120`, `<$0.0001`."""
    if 0 < amount < 100_000:
        return "<$0.0001"
    return f"${Decimal(nano_to_usd(amount)).quantize(Decimal('0.0001'), ROUND_HALF_UP):,f}"


def nano(amount: int) -> str:
    """Nano-dollars as exact dollars."""
    return nano_to_usd(amount)


def policy_text(policy: Mapping[str, Any]) -> str:
    """What a policy says, in a few words."""
    config: Mapping[str, Any] = policy["config"]
    match policy["policy_type"]:
        case "spend_cap" | "default_spend_cap":
            return f"{usd(config['limit_usd'])} {config['window']}" + (", strict" if config.get("strict") else "")
        case "rate_limit" | "default_rate_limit":
            return ", ".join(f"{limit['value']:,} {limit['metric']} per {limit['window']}" for limit in config["limits"])
        case "model_access":
            return ", ".join(config["allow"]) or "no model"
        case "guard":
            detected = [name for name, wanted in config["detect"].items() if wanted]
            return "redacts " + (" and ".join(detected).replace("pii", "personal data") or "nothing")
        case other:
            return str(other)


def number(value: int | None) -> str:
    return DASH if value is None else f"{value:,}"


def compact(value: int | None) -> str:
    """`950`, `12.3k`, `4.1M`."""
    if value is None:
        return DASH
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if abs(value) >= size * 10 or (unit != "k" and abs(value) >= size):
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return f"{value:,}"


def duration(milliseconds: float | None) -> str:
    """`0.4 ms`, `850 ms`, `12.3 s`, `2 min 5 s`."""
    if milliseconds is None:
        return DASH
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


def clock(seconds: float | None) -> str:
    """The time of day, UTC."""
    return DASH if seconds is None else _utc(seconds).strftime("%H:%M:%S")


def when(seconds: float) -> str:
    """The time of day, UTC; of another day with its date."""
    at, now = _utc(seconds), datetime.now(UTC)
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%Y-%m-%d %H:%M")


def moment(seconds: float | None) -> str:
    """Date and time, UTC."""
    return DASH if seconds is None else _utc(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


FILTERS = {f.__name__: f for f in (usd, cost, nano, policy_text, number, compact, duration, clock, when, moment)}
