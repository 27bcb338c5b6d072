"""Lists of given and family names, places, and English words, folded. The README beside this file has their sources.

They take some 30 MB and 100 ms to load, so only the NER processes do.
"""

from __future__ import annotations

import gzip
import unicodedata
from functools import cache
from importlib.resources import files

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "’": "'"})


def folded(name: str) -> str:
    """Lower case, without accents: how names are looked up."""
    name = name.casefold()
    if name.isascii():
        return name
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", name.translate(_LETTERS)) if not unicodedata.combining(letter)
    )


@cache
def _names(name: str) -> frozenset[str]:
    return frozenset(gzip.decompress(files(__package__).joinpath(f"{name}.txt.gz").read_bytes()).decode("ascii").split("\n"))


def load() -> None:
    """Now, so that the first text does not wait for it."""
    for name in ("given", "family", "places", "towns", "words"):
        _names(name)


def is_given(word: str) -> bool:
    return word in _names("given")


def is_family(word: str) -> bool:
    return word in _names("family")


def is_place(name: str) -> bool:
    """A country, a region or state, a city of 15,000 people or more."""
    return name in _names("places")


def is_town(name: str) -> bool:
    """A smaller place, of 1,000 people or more, or a county of the United States."""
    return name in _names("towns")


def is_english(word: str) -> bool:
    """One of the 50,000 commonest words that are written in lower case."""
    return word in _names("words")
