"""The operator's price file: what it says wins, and what is wrong with it is told by file, entry and field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sallyport.providers.usage import Usage
from sallyport.spend.price_file import PriceFileError, load_price_file
from sallyport.spend.prices import Price, price, quote, use_price_file

NOV_2026 = 1_795_435_200.0
NEW_YEAR_2026 = 1_767_225_600.0
ENTRY = '[[prices]]\nprovider = "openai"\nmodel = "m"\neffective_from = 2026-01-01\ninput = "2"\noutput = "8"\n'
Use = Callable[[str], None]


@pytest.fixture
def use(tmp_path: Path) -> Iterator[Use]:
    def use(content: str) -> None:
        path = tmp_path / "prices.toml"
        path.write_text(content)
        use_price_file(load_price_file(path))

    yield use
    use_price_file(())


def test_it_wins_over_the_built_in_list_and_prices_what_that_does_not_know(use: Use) -> None:
    use(ENTRY + ENTRY.replace('"m"', '"gpt-4o"'))
    for model in ("m", "gpt-4o", "GPT-4o", "gpt-4o-2024-08-06"):
        assert price("openai", model, Usage(1000, 100), at=NOV_2026) == Price(1000 * 2000 + 100 * 8000)
    assert price("openai", "gpt-4o-mini", Usage(1000, 0), at=NOV_2026) == Price(150_000)
    assert price("fireworks", "m", Usage(1, 0), at=NOV_2026).unpriced


def test_cached_tokens_cost_what_it_says_or_what_input_costs(use: Use) -> None:
    use(ENTRY + 'cache_read = "0.25"\ncache_write = "2.5"\n')
    usage = Usage(1000, 0, cache_read_tokens=600, cache_write_tokens=300, cache_write_1h_tokens=100)
    assert price("openai", "m", usage, at=NOV_2026) == Price(100 * 2000 + 600 * 250 + 300 * 2500)
    use(ENTRY + 'cache_write_1h = "4"\n')
    assert price("openai", "m", usage, at=NOV_2026) == Price(100 * 2000 + 600 * 2000 + 200 * 2000 + 100 * 4000)


def test_sound_costs_what_it_says_or_what_text_costs(use: Use) -> None:
    heard = Usage(100, 50, input_audio_tokens=80, output_audio_tokens=40)
    use(ENTRY)
    assert price("openai", "m", heard, at=NOV_2026) == Price(100 * 2000 + 50 * 8000)
    use(ENTRY + 'audio_input = "40"\naudio_output = "80"\n')
    assert price("openai", "m", heard, at=NOV_2026) == Price(20 * 2000 + 80 * 40_000 + 10 * 8000 + 40 * 80_000)


def test_an_entry_holds_from_its_day_until_the_next(use: Use) -> None:
    later = ENTRY.replace("2026-01-01", '"2026-11-23"').replace('"8"', '"0.000001"')
    use(later + ENTRY)
    assert price("openai", "m", Usage(0, 1000), at=NEW_YEAR_2026 - 1).unpriced
    assert price("openai", "m", Usage(0, 1000), at=NEW_YEAR_2026) == Price(8_000_000)
    assert price("openai", "m", Usage(0, 1000), at=1_795_391_999.0) == Price(8_000_000)
    assert price("openai", "m", Usage(0, 1000), at=1_795_392_000.0) == Price(1)


def test_a_full_name_wins_over_a_pattern_and_a_longer_pattern_over_a_shorter(use: Use) -> None:
    use(
        "".join(ENTRY.replace('"m"', f'"{model}"').replace('"2"', f'"{cost}"') for model, cost in (("*", 3), ("m*", 2), ("m", 1)))
    )
    costs = [price("openai", model, Usage(1, 0), at=NOV_2026).cost_nano for model in ("m", "my", "gpt-4o")]
    assert costs == [1000, 2000, 3000]


def test_what_is_dearer_than_all_that_is_listed_prices_the_unknown(use: Use) -> None:
    use(ENTRY.replace('"2"', '"5000"'))
    assert price("openai", "unknown", Usage(1, 0), at=NOV_2026) == Price(5_000_000, unpriced=True)


def test_a_quote_names_the_entry(use: Use) -> None:
    use(ENTRY)
    found = quote("openai", "m", Usage(1, 0), at=NOV_2026)
    assert found.source.endswith("prices.toml: entry 1 (m from 2026-01-01)")
    assert found.price == Price(2000)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ENTRY + ENTRY.replace('input = "2"\n', ""), "entry 2: input: is missing"),
        (ENTRY.replace('"2"', "2.5"), 'entry 1: input: must be dollars per million tokens in quotes, such as "2.50", not 2.5'),
        (ENTRY.replace('"8"', '"-8"'), "entry 1: output: must be dollars"),
        (ENTRY.replace('"8"', '"NaN"'), "entry 1: output: must be dollars"),
        (ENTRY.replace('"openai"', '"open-ai"'), "entry 1: provider: 'open-ai' is no provider; known are anthropic"),
        (ENTRY.replace('"m"', '""'), "entry 1: model: must be a model's name"),
        (ENTRY.replace("2026-01-01", '"January"'), "entry 1: effective_from: must be a day (UTC) such as 2026-01-31"),
        (ENTRY.replace("2026-01-01", "2026-01-01T00:00:00Z"), "entry 1: effective_from: must be a day"),
        (ENTRY + 'price = "1"\n', "entry 1: price: is not known; the fields are provider, model"),
        (ENTRY + ENTRY, "entry 2: effective_from: "),
        ("rates = 1\n", "unknown key 'rates'"),
        ("prices = 1\n", "must be [[prices]] entries"),
        ("prices = [1]\n", "entry 1: must be a [[prices]] entry"),
        ("[[prices]\n", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_told_by_file_entry_and_field(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(content)
    with pytest.raises(PriceFileError) as caught:
        load_price_file(path)
    assert str(caught.value).startswith(f"{path}")
    assert message in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match="can't be read: No such file"):
        load_price_file(tmp_path / "none.toml")
