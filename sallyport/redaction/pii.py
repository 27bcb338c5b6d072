"""Personal data with a form of its own: e-mail addresses, US phone numbers, social security numbers.

What decides between a phone number and an id of the same shape is what stands before it. Nothing here has an unbounded repeat.
Ages stand in `ages.py`, names that a field or title announces in `records.py`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from sallyport.redaction.ages import find_ages
from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding, merge
from sallyport.redaction.records import find_announced
from sallyport.redaction.tables import find_in_tables

_LOCAL = string.ascii_letters + string.digits + "._%+-"
_DOMAIN = re.compile(r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}+)\.){1,6}[A-Za-z]{2,24}(?![A-Za-z0-9@(])(?!\.[a-z]+\()")
_NOT_PEOPLE = frozenset({"git", "noreply", "no-reply", "donotreply", "do-not-reply", "hg", "svn"})

_SEP = "[-. \u00a0\u2010\u2011\u2013]"
# Either ends a phone number (its last seven digits) or is a social security number; what stands before it is then looked at.
_TAIL = re.compile(rf"\d\d\d(?:{_SEP}?\d{{4}}|{_SEP}\d\d{_SEP}\d{{4}})(?!\w|[-.]\d)")
_AREA = re.compile(
    rf"(?P<country>(?:\+|00)?1{_SEP}{{0,2}})?(?:(?P<open>\()(?P<a>[2-9]\d\d)\){_SEP}{{0,2}}|(?P<b>[2-9]\d\d)(?:{_SEP}| ?/ ?))\Z"
)
_RUN = re.compile(rf"(?<![\w.+/-])(?:\+?1{_SEP}?)?\d{{9,10}}(?!\w|[-.]\d)")
_AMONG_NUMBERS = re.compile(r"\d[\s,;|]{1,3}\Z"), re.compile(r"[\s,;|]{1,3}\d")
_EXTENSION = re.compile(r" ?(?:x|ext\.?|extension) ?\d{1,6}\b", re.IGNORECASE)

_PHONE_WORD = re.compile(
    r"(?:phone|mobile|cell|tel|telephone|fax|call|calling|dial|ring|text|sms|whatsapp|reach|contact|hotline|voicemail|landline)(?:s|ed)?\b"
    r"|\b(?:my|his|her|their|your|our|new|old|home|work|office) number\b",
    re.I,
)
_PHONE_WORD_AFTER = re.compile(
    r"['\"]? (?:is|was) (?:my|his|her|their|our|the) (?:new |old |home |work |office |direct )?(?:number|line|cell)", re.I
)
_SSN_WORD = re.compile(r"(?:\bssn|social[ _-]?security|\bsocial\b|\bss ?#|taxpayer)", re.IGNORECASE)
_ID_WORD = re.compile(
    r"(?:\bids?|order|part|serial|sku|isbn|ticket|case|invoice|ref|reference|account|acct|tracking|version|model|item|code|build|"
    r"timestamp|epoch|lot|batch|catalog|product|policy|claim|zip|revision|rev|release|number|no\.|num|#)[\"'\s:=#.]{0,6}\Z",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(r"\b(?:number|num|no\.|#)(?=[\"'\s:=.]{0,6}\Z)", re.IGNORECASE)
_WINDOW = 48


def find_pii(haystack: Haystack) -> list[Finding]:
    """Sorted, none overlapping."""
    return merge(
        _emails(haystack.text), _numbers(haystack), find_ages(haystack), find_announced(haystack), find_in_tables(haystack)
    )


def _emails(text: str) -> Iterator[Finding]:
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at)
        if domain is not None:
            before = text[max(0, at - 64) : at]
            local = before[len(before.rstrip(_LOCAL)) :].lstrip(".-%+")
            if text[max(0, at - len(local) - 1) : at - len(local)] == "\\" and local[:1] in ("n", "r", "t"):
                local = local[1:]  # `\n` in JSON within JSON
            if local and local.lower() not in _NOT_PEOPLE:
                yield Finding(at - len(local), domain.end(), "EMAIL")
        at = text.find("@", domain.end() if domain is not None else at + 1)


def _numbers(haystack: Haystack) -> Iterator[Finding]:
    text = haystack.text
    for tail in _TAIL.finditer(text):
        finding = _ssn(text, *tail.span()) if _is_ssn_shaped(tail[0]) else _phone(text, *tail.span())
        if finding is not None:
            yield finding
    yield from _runs(text)


def _is_ssn_shaped(tail: str) -> bool:
    return len(tail) == len("ddd-dd-dddd")


def _ssn(text: str, start: int, end: int) -> Finding | None:
    value = text[start:end]
    if not _stands_alone(text, start) or not _valid_ssn(value[:3] + value[4:6] + value[7:]):
        return None
    before = text[max(0, start - _WINDOW) : start]
    known = _SSN_WORD.search(before) is not None
    if not known and (value[3] != "-" or value[6] != "-" or _ID_WORD.search(before) is not None):
        return None
    return Finding(start, end, "US_SSN")


def _valid_ssn(digits: str) -> bool:
    """Never issued: areas 000, 666 and 900 to 999, group 00, serial 0000."""
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def _phone(text: str, start: int, end: int) -> Finding | None:
    area = _AREA.search(text, max(0, start - 12), start)
    begin = area.start() if area is not None else start
    if not _stands_alone(text, begin):
        return None
    before = text[max(0, begin - _WINDOW) : begin]
    known = _PHONE_WORD.search(before) is not None or _PHONE_WORD_AFTER.match(text, end) is not None
    if area is None:
        if not known or text[start] in "01" or text[start + 3].isdigit():
            return None
    elif not known and not _is_sure(text, area, start, end, before):
        return None
    extension = _EXTENSION.match(text, end)
    return Finding(begin, extension.end() if extension is not None else end, "US_PHONE_NUMBER")


def _is_sure(text: str, area: re.Match[str], start: int, end: int, before: str) -> bool:
    """Without a word for phones near it: written in one way throughout, valid, and neither an id nor one number of many."""
    if _ID_WORD.search(before) is not None:
        return False
    if area["open"] is not None:
        return True
    separator, last = area[0][-1], text[start + 3]
    odd_exchange = text[start] in "01" and area["b"] != "555"
    if odd_exchange or (last != separator and separator != "/") or last.isdigit():
        return False
    if separator not in " \u00a0" or area["country"] is not None:
        return True
    among = _AMONG_NUMBERS[0].search(before[-4:]) or _AMONG_NUMBERS[1].match(text, end)
    return among is None and text[start] not in "01"


def _runs(text: str) -> Iterator[Finding]:
    """Numbers without separators: only their context, or `+1`, tells them from ids and epoch seconds."""
    for run in _RUN.finditer(text):
        digits = "".join(filter(str.isdigit, run[0]))
        before = text[max(0, run.start() - _WINDOW) : run.start()]
        if len(digits) == 9 and _SSN_WORD.search(before) is not None and _valid_ssn(digits):
            yield Finding(run.start(), run.end(), "US_SSN")
        local = digits[-10:]
        national = len(digits) == 10 or (len(digits) == 11 and digits[0] == "1")
        if not national or local[0] in "01" or local[3] in "01":
            continue
        if run[0].startswith("+1") or (
            (_PHONE_WORD.search(before) is not None or _PHONE_WORD_AFTER.match(text, run.end()) is not None)
            and _ID_WORD.search(_NUMBER_WORD.sub("", before)[-12:]) is None
        ):
            yield Finding(run.start(), run.end(), "US_PHONE_NUMBER")


def _stands_alone(text: str, start: int) -> bool:
    """Not the tail of a longer number, word or path; the `n` of an escaped line break is none of these."""
    if start == 0 or not (text[start - 1].isalnum() or text[start - 1] in "_-./+"):
        return True
    return text[start - 1] in "nrt" and text[start - 2 : start - 1] == "\\"
