"""Names that a field or a title announces: in records, forms and logs, which the language model does not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding
from sallyport.redaction.names import has_form

_FIELD = r"[\"'\\]{0,3}[ \t]{0,3}(?:=>|[:=])[ \t]{0,3}[\"'\\]{0,3}"
_CAPITALISED = r"[A-ZÀ-ÖØ-Þ][^\W\d_]{0,30}(?:['’-][^\W\d_]{1,30}){0,2}"
_VALUE = rf"(?P<value>{_CAPITALISED}(?:\.? {_CAPITALISED}){{0,3}})(?![\w(\[=/])(?!\.\w)"

# The field `name` alone is too often a thing's; with one of these before it, it is a person's.
_WHOSE = re.compile(
    r"(?:first|last|full|given|family|middle|maiden|customer|client|patient|employee|contact|student|member|guest)[ _-]?\Z", re.I
)


def _rule(anchor: str, before: str, category: str) -> tuple[re.Pattern[str], re.Pattern[str], str]:
    return re.compile(anchor), re.compile(rf"(?i:{before}){_VALUE}"), category


# Where to look in the lower-case text (each starts with a literal, which makes it cheap); what must stand there; the category.
_RULES = (
    _rule("name", f"name{_FIELD}", "PERSON"),
    _rule("surname", f"surname{_FIELD}", "PERSON"),
    _rule("mrs?\\.? ", "mrs?\\.? ", "PERSON"),
    _rule("ms\\. ", "ms\\. ", "PERSON"),
    _rule("dr\\. ", "dr\\. ", "PERSON"),
    _rule("prof(?:\\.|essor) ", "prof(?:\\.|essor) ", "PERSON"),
    _rule("city", f"city{_FIELD}", "LOCATION"),
    _rule("country", f"country{_FIELD}", "LOCATION"),
    _rule("hometown", f"hometown{_FIELD}", "LOCATION"),
    _rule("nationality", f"nationality{_FIELD}", "NRP"),
    _rule("religion", f"religion{_FIELD}", "NRP"),
)


def find_announced(haystack: Haystack) -> Iterator[Finding]:
    """People, places and peoples by what stands right before them."""
    text = haystack.text
    for anchor, pattern, category in _RULES:
        for found in anchor.finditer(haystack.lowered):
            start = found.start()
            if anchor.pattern == "name":
                if _WHOSE.search(text, max(0, start - 12), start) is None:
                    continue
            elif start > 0 and text[start - 1].isalnum():
                continue
            match = pattern.match(text, start)
            if match is not None and has_form(match["value"], category):
                yield Finding(*match.span("value"), category)
