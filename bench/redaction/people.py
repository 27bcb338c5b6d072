"""Fills the slots of one template: `<<P1>>` is the same person throughout, `<<L1>>` a place, `<<N1>>` a people or belief."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping

from bench.redaction.shapes import make

_ONES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_CATEGORIES = {
    "P": "PERSON",
    "L": "LOCATION",
    "N": "NRP",
    "A": "AGE",
    "T": "US_PHONE_NUMBER",
    "S": "US_SSN",
    "E": "EMAIL",
    "HEX": "",
}


class Cast:
    """Who and what a template is filled with. No two slots of a kind get the same value."""

    def __init__(self, values: Mapping[str, list[str]], rng: random.Random) -> None:
        self._rng = rng
        self._phones = values["phones"]
        self._pools = {
            "P": rng.sample(values["people"], 8),
            "L": rng.sample(values["places"], 8),
            "N": rng.sample(values["peoples"], 8),
        }
        self._known: dict[str, str] = {}

    def value(self, slot: str, number: str, form: str) -> tuple[str, str, str]:
        """The text for a slot, its category and its kind. `form`: `.first`, `.last`, `.lower`, `.upper`, `.words`, chained."""
        name = slot + number
        if name not in self._known:
            self._known[name] = self._new(slot, number)
        value = self._known[name]
        forms = form.split(".")
        if slot == "P":
            given, family = value.split("|")
            value = given if "first" in forms else family if "last" in forms else f"{given} {family}"
        if "words" in forms:
            value = _words(int(value))
        if "lower" in forms:
            value = value.lower()
        if "upper" in forms:
            value = value.upper()
        return value, _CATEGORIES[slot], ""

    def _new(self, slot: str, number: str) -> str:
        rng = self._rng
        match slot:
            case "P" | "L" | "N":
                return self._pools[slot].pop()
            case "A":
                return str(rng.choice([age for age in range(21, 95) if age % 10]))
            case "S":
                return f"{rng.randint(101, 599)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"
            case "T":
                shape = rng.choice(self._phones)
                area, exchange = rng.choice(("415", "212", "617", "312", "503")), rng.randint(220, 989)
                return shape.replace("<d>", area).replace("<x>", str(exchange)).replace("<s>", f"{rng.randint(100, 9999):04d}")
            case "E":
                given = self._pools["P"][-1].split("|")[0]
                return f"{_ascii(given)}.{rng.randint(1, 99)}@{rng.choice(('example.com', 'mail.example.org'))}"
            case _:
                return make(f"<H{number}>", rng)


def _words(age: int) -> str:
    tens, ones = divmod(age, 10)
    return f"{_TENS[tens - 2]}-{_ONES[ones]}".rstrip("-")


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(character for character in plain if character.isalpha())
