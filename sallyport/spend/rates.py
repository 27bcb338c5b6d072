"""The rates of one price row, in a form that is fast to apply.

The same sums as `genai_prices.calc_price`, which takes 70 µs a call and raises where a provider's counts contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from genai_prices import types

from sallyport.providers.usage import Usage

_PER = 1_000_000
_PER_THOUSAND = 1000
_MS_PER_HOUR = 3_600_000
_INPUT, _OUTPUT = 0, 1
KEYS = (
    ("input_mtok",),
    ("output_mtok",),
    ("cache_read_mtok", "input_mtok"),
    ("cache_write_mtok", "input_mtok"),
    ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    ("input_audio_mtok", "input_mtok"),
    ("output_audio_mtok", "output_mtok"),
    ("cache_audio_read_mtok", "cache_read_mtok", "input_audio_mtok", "input_mtok"),
    ("input_image_mtok", "input_mtok"),
    ("output_image_mtok", "output_mtok"),
    ("cache_image_read_mtok", "cache_read_mtok", "input_image_mtok", "input_mtok"),
    ("input_video_mtok", "input_mtok"),
    ("output_video_mtok", "output_mtok"),
    ("output_reasoning_mtok", "output_mtok"),
    ("output_citation_mtok",),
)
"""What is charged, each with what it counts as where it has no price of its own."""
_OUTPUTS = tuple(index for index, keys in enumerate(KEYS) if keys[-1] == "output_mtok")
_WRITES = tuple(index for index, keys in enumerate(KEYS) if keys[0].startswith("cache_write"))
_INPUTS = tuple(index for index in range(len(KEYS)) if index not in (*_OUTPUTS, *_WRITES))


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars per million tokens, in the order of `KEYS`, once for each range of input lengths."""

    tiers: tuple[tuple[int, tuple[Decimal, ...]], ...]
    """Longest first: (more than so many input tokens, rates). The rates of the tier reached hold for all tokens of the call."""
    listed: tuple[bool, bool]
    """Whether input and output have a price at all."""
    search: Decimal | None = None
    """Dollars per thousand web searches that the provider makes for the model; None: not known."""
    file_search: Decimal | None = None
    """The same for searches in the caller's files."""
    request: Decimal = Decimal(0)
    """Dollars per thousand requests, beside what their tokens cost and for all their searches (Perplexity)."""
    audio_hour: Decimal | None = None
    """Dollars for an hour of sound, of models that are billed by its length; None: not known."""
    sound: bool = False
    """Whether sound has a price of its own."""

    _dearest: tuple[tuple[Decimal, Decimal, Decimal], ...] = field(init=False, repr=False, compare=False)
    """Of each tier: the dearest that a token costs which is read, written to the cache, put out."""

    def __post_init__(self) -> None:
        kinds = (_INPUTS, _WRITES, _OUTPUTS)
        dearest = tuple(tuple(max(rates[index] for index in kind) for kind in kinds) for _, rates in self.tiers)
        object.__setattr__(self, "_dearest", dearest)

    def cover(self, usage: Usage) -> bool:
        """Nothing in `usage` is without a price."""
        told = self.listed[_INPUT] or usage.input_tokens <= 0, self.listed[_OUTPUT] or usage.output_tokens <= 0
        return all(told) and (self.audio_hour is not None or usage.audio_ms <= 0)

    def at(self, input_tokens: int) -> tuple[Decimal, ...]:
        return self.tiers[self._tier(input_tokens)][1]

    def start(self, input_tokens: int) -> int:
        """Above how many input tokens the rates of a call of that length begin; -1: they hold from the first token on."""
        return self.tiers[self._tier(input_tokens)][0]

    def _tier(self, input_tokens: int) -> int:
        """Which of `tiers`."""
        last = len(self.tiers) - 1
        return next((index for index, tier in enumerate(self.tiers) if input_tokens > tier[0]), last) if last else 0

    def cost(self, usage: Usage) -> Decimal:
        """Dollars, exact. Counts that contradict each other (more cached than input) are each charged for what they say."""
        rates = self.at(usage.input_tokens)
        tokens = Decimal(0)
        for rate, count in zip(rates, _counts(usage), strict=True):
            if count:
                tokens += rate * count
        searches = (self.search or 0) * max(usage.web_searches, 0) + (self.file_search or 0) * max(usage.file_searches, 0)
        return tokens / _PER + (searches + self.request) / _PER_THOUSAND + self._sound(usage)

    def most(self, usage: Usage) -> Decimal:
        """Dollars that so many tokens cost at most: text, sound or pictures, and written to the cache if `usage` says so."""
        read, written, dearest_output = self._dearest[self._tier(usage.input_tokens)]
        dearest_input = max(read, written) if usage.cache_write_tokens else read
        tokens = (dearest_input * usage.input_tokens + dearest_output * usage.output_tokens) / _PER
        return tokens + self.request / _PER_THOUSAND + self._sound(usage)

    def _sound(self, usage: Usage) -> Decimal:
        return (self.audio_hour or 0) * Decimal(max(usage.audio_ms, 0)) / _MS_PER_HOUR


def _counts(usage: Usage) -> tuple[int, ...]:
    """How many tokens are charged at each of `KEYS`."""
    read, written = max(usage.cache_read_tokens, 0), max(usage.cache_write_tokens, usage.cache_write_1h_tokens, 0)
    written_1h = min(max(usage.cache_write_1h_tokens, 0), written)
    read_audio, read_image = max(usage.cache_read_audio_tokens, 0), max(usage.cache_read_image_tokens, 0)
    fresh = max(usage.input_tokens - read - written, 0)
    heard = min(max(usage.input_audio_tokens - read_audio, 0), fresh)
    seen = min(max(usage.input_image_tokens - read_image, 0), fresh - heard)
    watched = min(max(usage.input_video_tokens, 0), fresh - heard - seen)
    citations = max(usage.citation_tokens, 0)
    spoken, drawn, filmed = (
        max(count, 0) for count in (usage.output_audio_tokens, usage.output_image_tokens, usage.output_video_tokens)
    )
    said = max(usage.output_tokens - spoken - drawn - filmed, 0)
    thought = min(max(usage.reasoning_tokens, 0), said)
    return (
        fresh - heard - seen - watched,
        said - thought,
        max(read - read_audio - read_image, 0),
        written - written_1h,
        written_1h,
        heard,
        spoken,
        read_audio,
        seen,
        drawn,
        read_image,
        watched,
        filmed,
        thought,
        citations,
    )


def rates_of(prices: types.ModelPrice) -> Rates:
    """The rates of one row of the price list."""
    columns = [_first(prices, keys) for keys in KEYS]
    starts = {tier.start for column in columns if isinstance(column, types.TieredPrices) for tier in column.tiers}
    tiers = tuple((start, tuple(_rate(column, start) for column in columns)) for start in (*sorted(starts, reverse=True), -1))
    search, file_search = (
        price if isinstance(price := getattr(prices, key, None), Decimal) else None
        for key in ("web_searches_kcount", "storage_searches_kcount")
    )
    listed = (columns[_INPUT] is not None, columns[_OUTPUT] is not None)
    sound = prices.input_audio_mtok is not None or prices.output_audio_mtok is not None
    request, hour = prices.requests_kcount, _first(prices, ("input_audio_hours", "audio_hours"))
    return Rates(
        tiers,
        listed,
        search,
        file_search,
        request if isinstance(request, Decimal) else Decimal(0),
        hour if isinstance(hour, Decimal) else None,
        sound,
    )


def _first(prices: types.ModelPrice, keys: Iterable[str]) -> Decimal | types.TieredPrices | None:
    return next((value for key in keys if (value := getattr(prices, key, None)) is not None), None)


def flat_rates(prices: Mapping[str, Decimal]) -> Rates:
    """The rates of one row without tiers; names are those of `KEYS`."""
    columns = tuple(next((prices[key] for key in keys if key in prices), Decimal(0)) for keys in KEYS)
    return Rates(((-1, columns),), ("input_mtok" in prices, "output_mtok" in prices), sound=True)


def _rate(column: Decimal | types.TieredPrices | None, start: int) -> Decimal:
    """What a column charges just above `start` input tokens."""
    if not isinstance(column, types.TieredPrices):
        return column if column is not None else Decimal(0)
    return next((tier.price for tier in reversed(column.tiers) if start >= tier.start), column.base)


def dearest(rows: Iterable[Rates]) -> tuple[Rates, ...]:
    """Those of `rows` that no other row is at least as dear as, for every usage."""
    kept: list[Rates] = []
    for row in rows:
        if not any(_covers(other, row) for other in kept):
            kept = [other for other in kept if not _covers(row, other)]
            kept.append(row)
    return tuple(kept)


def _covers(dear: Rates, cheap: Rates) -> bool:
    starts = {start + 1 for rates in (dear, cheap) for start, _ in rates.tiers}
    beside = dear.request >= cheap.request and (dear.audio_hour or 0) >= (cheap.audio_hour or 0)
    return beside and all(high >= low for start in starts for high, low in zip(dear.at(start), cheap.at(start), strict=True))


FREE = Rates(((-1, (Decimal(0),) * len(KEYS)),), (True, True), Decimal(0), Decimal(0), audio_hour=Decimal(0))
"""What the operator's own machine costs by the token."""
