"""What the words around a capitalised word say of it: that it is a place, or someone who is spoken to or of."""

from __future__ import annotations

import re

_AREA = "(?:the |downtown |central |northern |southern |eastern |western |rural |nearby )?"
_WHERE = re.compile(
    r"\b(?:in|from|near|around|outside|across|throughout|visit(?:s|ed|ing)?|leaving|left|toward|towards|to|at|of|"
    r"between|into|via|"
    rf"(?:between|from|in) [\w-]{{3,20}} (?:and|to|or)) {_AREA}\Z"
)
# Sure enough for a place that is an English word too: `lives in Reading`, `flight to Nice`.
_AT = (
    "live|lives|lived|living|born|raised|based|grew up|stay|stayed|staying|offices?|university|resident|house|"
    "home|flat|apartment|flights?|"
    "trips?|plant|school|hospital|people|city|town|village|stationed|located|died|married|arrived|studied|"
    "working|works|worked|job|weather|"
    "moved|moving|relocated|emigrated|back|travel|travels|travelled|traveled|travelling|traveling|flew|fly|"
    "flying|drive|drove|train|went|"
    "going|families|residents|mayor|streets|branch|warehouse|customers|colleagues"
)
_SURELY_WHERE = re.compile(
    rf"[a-z,'’] (?:(?:{_AT}) (?:in|to|from|near|at|of)|from|near|outside|visit(?:s|ed|ing)?|between) {_AREA}\Z"
    r"|\bfrom [A-ZÀ-Þ]\w{2,20} to \Z|\b(?:between|from|in) [A-ZÀ-Þ]\w{2,20} and \Z"
)
_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|Sir|Lady|Lord|Judge|Captain|Officer|Sergeant)\.? \Z")

_SPOKEN_TO = re.compile(
    r"(?:\b(?:[Hh]i|[Hh]ello|[Hh]ey|[Dd]ear|[Tt]hanks|[Tt]hank you|[Gg]ood (?:morning|afternoon|evening)),? "
    r"|\b(?:[Aa]sk|[Aa]sked|[Tt]ell|[Tt]old|[Tt]ext|[Tt]exted|[Pp]ing|[Mm]arried|[Bb]other|named|name is|name’s|"
    r"name's|this is|it’s|"
    r"[Mm]y (?:boss|wife|husband|son|daughter|friend|brother|sister|mother|father|mom|mum|dad|uncle|aunt|cousin|"
    r"colleague|neighbou?r|"
    r"manager|partner|girlfriend|boyfriend|fianc[ée]e?|roommate|landlord)|and I|with me and) )\Z"
)
_SPEAKS = re.compile(
    r"(?:,? (?:said|says|asked|asks|told|thinks|thought|wrote|replied|mentioned|agreed|disagreed|explained|"
    r"complained|suggested|laughed|smiled|"
    r"wants|wanted|knows|knew|hates|loves|likes|called me|and I|and me|only reads|had just|has just|lives|lived|"
    r"works|worked|was born|"
    r"died|resigned|retired|apologi[sz]ed|lost (?:his|her)|took (?:his|her)|broke (?:his|her))\b"
    r"|['’]s (?:wife|husband|son|daughter|brother|sister|mother|father|boss|phone|laptop|birthday|house|salary|"
    r"manager|first day|email|"
    r"number|account|lawyer|doctor|family|parents|kids|children|desk|voice|death|funeral)\b)"
)
_MADE_OF_PLACE = re.compile(r"[a-z]{3,}(?:an|ish|ese|ist|crat|ite)s?")

_BEFORE_FEATURE = frozenset({"lake", "mount", "mt"})
_AFTER_FEATURE = frozenset(
    {
        "river",
        "county",
        "valley",
        "island",
        "islands",
        "bay",
        "beach",
        "peninsula",
        "mountains",
        "province",
        "prefecture",
        "oblast",
    }
    | {"canyon", "harbor", "harbour", "desert", "ocean", "lake", "falls"}
)


def is_where(text: str, start: int) -> bool:
    """What starts there is a place, if it can be one."""
    return _WHERE.search(text, max(0, start - 48), start) is not None


def is_surely_where(text: str, start: int) -> bool:
    """… even if it is an English word too."""
    return _SURELY_WHERE.search(text, max(0, start - 48), start) is not None


def follows_title(text: str, start: int) -> bool:
    """`Dr. …`"""
    return _TITLE.search(text, max(0, start - 12), start) is not None


def is_spoken_of(text: str, start: int, end: int) -> bool:
    """Who speaks, is spoken to, or has a wife is a person, whatever the name."""
    return _SPOKEN_TO.search(text, max(0, start - 24), start) is not None or _SPEAKS.match(text, end) is not None


def is_made_of_place(key: str) -> bool:
    """Ends as words for peoples do: `Texan`, `Congolese`."""
    return _MADE_OF_PLACE.fullmatch(key) is not None


def is_feature(first: str, last: str) -> bool:
    """`Lake Victoria`, `Hudson River`: by its first or last word, folded."""
    return first in _BEFORE_FEATURE or last in _AFTER_FEATURE
