"""What the overview shows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sallyport.console.api.policies import with_spend
from sallyport.console.auth import Admin
from sallyport.console.context import Console
from sallyport.console.figures import LastHour
from sallyport.console.pages.names import names_of
from sallyport.spend import ledger

_LATEST = 25
_CAPS_SHOWN = 8
_BAR, _STEP = 8, 10  # widths in the chart's own units


@dataclass(frozen=True, slots=True)
class Bar:
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars, one a minute, in a box 100 high."""

    start: float
    width: int
    bars: list[Bar]
    peak: int
    total: int
    blocked: int
    failed: int


@dataclass(frozen=True, slots=True)
class CapUse:
    name: str
    window: str
    spent: str
    limit: str
    percent: float
    level: str
    """`near` from 80 percent on, `full` from 100."""


def overview(console: Console, admin: Admin) -> dict[str, Any]:
    """The template's context. Called in a worker thread."""
    page = ledger.list_calls(admin.store.engine, ledger.CallFilters(scope=admin.scope), limit=_LATEST)
    figures = console.figures.of(admin.scope)
    return {
        "today": figures.today(),
        "month": figures.month(),
        "chart": draw(figures.last_hour()),
        "caps": cap_uses(console, admin),
        "calls": page.items,
        "names": names_of(admin.store.engine, page.items),
    }


def draw(hour: LastHour) -> Chart:
    peak = max(minute.total for minute in hour.minutes)
    bars: list[Bar] = []
    for number, minute in enumerate(hour.minutes):
        top = 100.0
        for kind, count in (("ok", minute.success), ("blocked", minute.blocked), ("error", minute.failed)):
            if count:
                height = round(max(96 * count / peak, 1), 2)
                top = round(top - height, 2)
                bars.append(Bar(kind, number * _STEP + 1, top, _BAR, height))
    return Chart(
        hour.start,
        len(hour.minutes) * _STEP,
        bars,
        peak,
        sum(minute.total for minute in hour.minutes),
        sum(minute.blocked for minute in hour.minutes),
        sum(minute.failed for minute in hour.minutes),
    )


def cap_uses(console: Console, admin: Admin) -> list[CapUse]:
    """The enabled caps whose spend is known, the fullest first."""
    stored = admin.store.list_policies(100, policy_type="spend_cap").items
    policies = with_spend(console, [policy for policy in stored if policy.enabled])
    uses = [use(policy) for policy in policies if "current_spend_usd" in policy]
    return sorted(uses, key=lambda cap: -cap.percent)[:_CAPS_SHOWN]


def use(policy: dict[str, Any]) -> CapUse:
    spent, limit = Decimal(policy["current_spend_usd"]), Decimal(policy["config"]["limit_usd"])
    percent = float(min(100 * spent / limit, 100)) if limit else 100.0
    level = "full" if percent >= 100 else "near" if percent >= 80 else ""
    return CapUse(policy["name"], policy["config"]["window"], str(spent), str(limit), round(percent, 1), level)
