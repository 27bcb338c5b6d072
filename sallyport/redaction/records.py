"""Names that a field or a title announces: in records, forms and logs, which the language model does not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding
from sallyport.redaction.names import has_form, is_organisation
from sallyport.redaction.peoples import is_people

FIELD = r"[\"'\\]{0,3}[ \t]{0,12}(?:=>|[:=>])[ \t]{0,12}[\"'\\]{0,3}"
_CAPITALISED = r"[A-ZÀ-ÖØ-Þ][^\W\d_]{0,30}(?:['’-][^\W\d_]{1,30}){0,2}"
_PARTICLE = r"(?:van|von|der|den|de|la|da|di|dos|del|al|bin)"
VALUE = rf"(?P<value>{_CAPITALISED}(?:\.? (?:{_PARTICLE} ){{0,2}}{_CAPITALISED}){{0,3}})"
_VALUE = rf"{VALUE}(?![\w(\[=/])(?!\.\w)"

# The field `name` alone is too often a thing's; with one of these before it, it is a person's.
_WHOSE = re.compile(
    r"(?:first|last|full|given|family|middle|maiden|customer|client|patient|employee|contact|student|member|guest|manager)"
    r"[ _-]?\Z",
    re.I,
)
_WHAT = re.compile(r"[\w-]\Z")
# Or other fields of people near it.
_SIBLING = re.compile(
    r"\b(?:e[-_]?mail|phone|mobile|tel|telephone|age|dob|birth\w{0,8}|ssn|gender|surname|nationality|ethnicity|religion|country|city|"
    r"town|role|address|employees?|patients?|customers?|passengers?|guests|members|reports_to|salary)[\"'\\]{0,3}[ \t]{0,6}[:=]",
    re.IGNORECASE,
)
_NEAR = 160
"""Characters."""


def _rule(anchor: str, before: str, category: str) -> tuple[re.Pattern[str], re.Pattern[str], str]:
    return re.compile(anchor), re.compile(rf"(?i:{before}){_VALUE}"), category


_ROLES = (
    "author|owner|assignee|reporter|manager|reports_to|reviewer|supervisor|passenger|patient|applicant|employee|recipient|"
    "attendee|tenant|landlord|beneficiary|displayname|signed-off-by|reviewed-by|acked-by|tested-by|co-authored-by"
)
_PLACES = "city|country|hometown|home_town|town|birthplace|place of birth|residence"

# Where to look in the lower-case text (each starts with a literal, which makes it cheap); what must stand there; the category.
_RULES = (
    _rule("name", f"name{FIELD}", "PERSON"),
    _rule("surname", f"surname{FIELD}", "PERSON"),
    _rule("mrs?\\.? ", "mrs?\\.? ", "PERSON"),
    _rule("ms\\. ", "ms\\. ", "PERSON"),
    _rule("dr\\. ", "dr\\. ", "PERSON"),
    _rule("prof(?:\\.|essor) ", "prof(?:\\.|essor) ", "PERSON"),
    *(_rule(place, f"{place}{FIELD}", "LOCATION") for place in _PLACES.split("|")),
    *(
        _rule(field, f"{field}{FIELD}", "NRP")
        for field in ("nationality", "ethnicity", "religion", "citizenship", "denomination")
    ),
)
# These are as often a team's or a company's, so only a name of two words or more is taken for a person's.
_ROLE_RULES = tuple(_rule(role, f"{role}{FIELD}", "PERSON") for role in _ROLES.split("|"))


def find_announced(haystack: Haystack) -> Iterator[Finding]:
    """People, places and peoples by what stands right before them."""
    text = haystack.text
    for anchor, pattern, category in _RULES:
        for found in anchor.finditer(haystack.lowered):
            start = found.start()
            if anchor.pattern != "name" and start > 0 and text[start - 1].isalnum() and not _starts_hump(text, start):
                continue
            match = pattern.match(text, start)
            if match is None or not has_form(match["value"], category):
                continue
            if anchor.pattern == "name" and not _is_of_person(text, start, match.end()):
                continue
            yield Finding(*match.span("value"), category)
    yield from _peoples(text, haystack.lowered)
    for anchor, pattern, category in _ROLE_RULES:
        for found in anchor.finditer(haystack.lowered):
            match = pattern.match(text, found.start())
            if (
                match is not None
                and _is_full_name(match["value"])
                and _WHAT.search(text, max(0, found.start() - 1), found.start()) is None
            ):
                yield Finding(*match.span("value"), category)


def _peoples(text: str, lowered: str) -> Iterator[Finding]:
    """In fields of that kind, in whatever case."""
    for anchor in _PEOPLE_FIELDS:
        at = lowered.find(anchor)
        while at >= 0:
            match = _PEOPLE_FIELD.match(text, at)
            if match is not None and is_people(match["value"].lower()):
                yield Finding(*match.span("value"), "NRP")
            at = lowered.find(anchor, at + len(anchor))


_PEOPLE_FIELDS = ("national", "citizen", "religio", "faith", "ethnic", "race", "party", "politic", "passport", "belief")
_PEOPLE_FIELD = re.compile(rf"(?i:[a-z_ ]{{4,24}}){FIELD}(?P<value>[A-Za-z][a-z'’]{{2,20}}(?:[ -][A-Za-z][a-z]{{2,20}})?)")


def _is_full_name(value: str) -> bool:
    return " " in value and has_form(value, "PERSON") and not is_organisation(value)


def _starts_hump(text: str, start: int) -> bool:
    """`City` in `billingCity`."""
    return text[start].isupper() and text[start - 1].islower()


def _is_of_person(text: str, start: int, end: int) -> bool:
    """Whether the `name` there, before the value that ends at `end`, is a person's."""
    if _WHOSE.search(text, max(0, start - 12), start) is not None:
        return True
    if _WHAT.search(text, max(0, start - 1), start) is not None or is_organisation(text[start:end]):
        return False
    return _SIBLING.search(text, max(0, start - _NEAR), start) is not None or _SIBLING.search(text, end, end + _NEAR) is not None
