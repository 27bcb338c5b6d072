"""The operator's price file: TOML, one `[[prices]]` entry for each provider, model pattern and day from which it holds.

[[prices]]
provider = "openai"
model = "gpt-4o*"
effective_from = 2026-01-01
input = "2.00"
output = "8.00"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from policies.model_access import matches_pattern
from sallyport.providers import PROVIDERS
from sallyport.spend.rates import Rates, flat_rates

_AMOUNTS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "audio_input": "input_audio_mtok",
    "audio_output": "output_audio_mtok",
}
"""Fields of an entry → the columns of a price row; dollars per million tokens."""
_REQUIRED = ("provider", "model", "effective_from", "input", "output")
_FIELDS = (*_REQUIRED, *(name for name in _AMOUNTS if name not in _REQUIRED))
_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,9})?")


class PriceFileError(ValueError):
    """The file can't be used; the message names the file, the entry and the field, and says what would be right."""


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """One entry. `since`: UTC seconds; `source`: how it is named to people."""

    provider: str
    pattern: str
    since: float
    rates: Rates
    source: str

    def matches(self, model: str) -> bool:
        """Case does not count, as in the built-in list."""
        return matches_pattern(self.pattern.lower(), model.lower())

    @property
    def rank(self) -> tuple[bool, int, float]:
        """Sorts by which entry wins, last: a full name over a pattern, a longer pattern over a shorter one, the later day."""
        return ("*" not in self.pattern, len(self.pattern), self.since)


def load_price_file(path: Path) -> tuple[OwnPrice, ...]:
    """Raises PriceFileError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PriceFileError(f"{path} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriceFileError(f"{path} is not valid TOML: {error}") from None
    for key in content:
        if key != "prices":
            raise PriceFileError(f"{path}: unknown key {key!r}; each price is a [[prices]] entry")
    entries: object = content.get("prices", [])
    if not isinstance(entries, list):
        raise PriceFileError(f"{path}: prices: must be [[prices]] entries")
    found: list[OwnPrice] = []
    for number, entry in enumerate(cast("list[object]", entries), 1):
        where = f"{path}: entry {number}"
        if not isinstance(entry, dict):
            raise PriceFileError(f"{where}: must be a [[prices]] entry")
        price = _entry(cast("dict[str, Any]", entry), where)
        twin = next((other for other in found if _same(other, price)), None)
        if twin is not None:
            raise PriceFileError(f"{where}: effective_from: {twin.source} has the same provider, model and day")
        found.append(price)
    return tuple(found)


def _same(one: OwnPrice, other: OwnPrice) -> bool:
    return (one.provider, one.pattern.lower(), one.since) == (other.provider, other.pattern.lower(), other.since)


def _entry(entry: dict[str, Any], where: str) -> OwnPrice:
    for name in _REQUIRED:
        if name not in entry:
            raise PriceFileError(f"{where}: {name}: is missing")
    for name in entry:
        if name not in _FIELDS:
            raise PriceFileError(f"{where}: {name}: is not known; the fields are {', '.join(_FIELDS)}")
    provider, model = entry["provider"], entry["model"]
    if provider not in PROVIDERS:
        raise PriceFileError(f"{where}: provider: {provider!r} is no provider; known are {', '.join(PROVIDERS)}")
    if not isinstance(model, str) or not model:
        raise PriceFileError(f"{where}: model: must be a model's name, where * stands for anything, not {model!r}")
    prices = {_AMOUNTS[name]: _amount(entry[name], f"{where}: {name}") for name in _AMOUNTS if name in entry}
    since = _day(entry["effective_from"], f"{where}: effective_from")
    return OwnPrice(provider, model, since.timestamp(), flat_rates(prices), f"{where} ({model} from {since:%Y-%m-%d})")


def _amount(value: object, where: str) -> Decimal:
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise PriceFileError(f'{where}: must be dollars per million tokens in quotes, such as "2.50", not {value!r}')
    return Decimal(value)


def _day(value: object, where: str) -> datetime:
    """Midnight UTC of a TOML date, or of one in quotes."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        day = None
    if not isinstance(day, date) or isinstance(day, datetime):
        raise PriceFileError(f"{where}: must be a day (UTC) such as 2026-01-31, not {value!r}")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
