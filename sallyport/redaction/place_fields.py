"""Places that a field or a street before them announces, if lists know them: `"origin": "Lagos"`, `12 Elm Street, Kyoto`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sallyport.redaction.finding import Finding
from sallyport.redaction.gazetteer import folded, is_english, is_place, is_town
from sallyport.redaction.names import has_form
from sallyport.redaction.records import FIELD, VALUE

_STARTS = r"(?:(?<![^\W_])|(?<=[a-z])(?=[A-Z]))"
"""Of a word, or of a hump: `shipCity`."""
_NAMES = (
    "location|geo|loc|dest|from|to|city|town|country|state|province|county|region|hometown|home_town|birth_?place|place_of_birth|"
    "residence|origin|destination|venue|office|branch|headquarters|hq|departure|arrival|address|(?:ship|deliver|travel)s?_?to|site"
)
_FIELD = re.compile(rf"{_STARTS}(?i:{_NAMES}){FIELD}{VALUE}(?![\w(\[=/])")
_LIST = re.compile(
    rf"{_STARTS}(?i:cities|towns|countries|offices|locations|places|destinations|sites|branches|stops|regions)"
    r"[\"'\\]{0,3}\s{0,4}[:=]\s{0,4}\[?"
)
_ITEM = re.compile(rf"(?:[\s,\[\"'\\-]|\\n){{0,12}}{VALUE}[\"'\\]{{0,3}}(?=[\s,\]]|\\n|\Z)")
_MOST_ITEMS = 200
_ROADS = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Square|Sq|Place|Pl|Terrace|Close|Crescent|Row|Alley|"
    "Parkway|Highway"
)
_STREET = re.compile(
    rf"\b\d[\w/-]{{0,5}} (?:[\w'’.-]{{1,20}} ){{1,3}}(?:{_ROADS})\.?,?"
    r"(?: (?:Apt|Apartment|Suite|Unit|Flat|Floor|#)\.? ?\w{1,6},?)?"
    rf"(?:\s|\\n){{1,4}}{VALUE}(?![\w(\[=/])"
)


def find_places(text: str) -> Iterator[Finding]:
    """What they announce; after a street, smaller towns and English words too."""
    for field in _FIELD.finditer(text):
        if _is_listed(field["value"]):
            yield Finding(*field.span("value"), "LOCATION")
    for street in _STREET.finditer(text):
        key = folded(street["value"])
        if (is_place(key) or is_town(key)) and has_form(street["value"], "LOCATION"):
            yield Finding(*street.span("value"), "LOCATION")
    for start in _LIST.finditer(text):
        at = start.end()
        for _ in range(_MOST_ITEMS):
            item = _ITEM.match(text, at)
            if item is None:
                break
            if _is_listed(item["value"]):
                yield Finding(*item.span("value"), "LOCATION")
            at = item.end()


def _is_listed(value: str) -> bool:
    key = folded(value)
    return is_place(key) and not is_english(key) and has_form(value, "LOCATION")
