"""Values of people in tables: comma-, semicolon- or tab-separated, Markdown's and psql's, and the rows of an SQL INSERT.

What a column holds is told by its head. A head must name two columns or more, so that a line of prose with a comma is none.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding
from sallyport.redaction.names import has_form, is_organisation
from sallyport.redaction.records import VALUE

_HEADS = {
    "PERSON": r"(?:(?:first|last|full|given|family|middle|customer|client|patient|employee|contact|student|member|guest|manager|"
    r"person)[ _-]?)?name|surname|employee|patient|customer|passenger|member|attendee|guest|person",
    "LOCATION": r"(?:home|birth|ship|billing)?[ _-]?(?:city|town|country|place)|location|residence|office|state",
    "NRP": r"nationality|religion|ethnicity|citizenship|faith|denomination|ethnic[ _-]?group|"
    r"(?:political[ _-]?)?(?:party|affiliation)",
    "AGE": "age",
}
_HEAD = {category: re.compile(names, re.IGNORECASE) for category, names in _HEADS.items()}
_PERSONAL = re.compile(
    "|".join(_HEADS.values()) + r"|e[-_ ]?mail|phone|mobile|tel(?:ephone)?|ssn|dob|address|zip|gender|salary", re.IGNORECASE
)
_VALUE = re.compile(VALUE)
_AGE = re.compile(r"1[01]\d|[1-9]?\d")
_ANCHORS = ("name", "employee", "patient", "customer", "passenger")
"""One of these is in the head of any table of people."""
_WIDEST = 600
"""Characters of a head."""
_SEPARATORS = "|\t;,"
_LONGEST = 5_000
"""Rows of a table that are looked at."""
_INSERT = re.compile(r"(?i)insert\s{1,4}into\s{1,4}[\w.\"`]{1,80}\s{0,4}\((?P<columns>[^()\n]{1,600})\)\s{0,4}values\s{0,4}")
# A quote within a value (`'O'Neil'`) is one that no comma or bracket follows.
_QUOTED = r"'(?:[^'\n]|'(?!\s{0,4}[,)]|\Z)){0,200}+'"
_ROW = re.compile(rf"\s{{0,8}}\((?P<cells>(?:{_QUOTED}|[^'()\n]{{1,100}}+){{1,80}}+)\)\s{{0,4}},?")
_CELL = re.compile(rf"(?:^|,)\s{{0,4}}(?P<cell>{_QUOTED}|[^,']{{0,100}}+)")


def find_in_tables(haystack: Haystack) -> Iterator[Finding]:
    """People, places, peoples and ages by the heads of their columns."""
    text, lowered = haystack.text, haystack.lowered
    for anchor in _ANCHORS:
        at = lowered.find(anchor)
        while at >= 0:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            if end < 0:
                break
            if end - start <= _WIDEST:
                end = yield from _table(text, start, end)
            at = lowered.find(anchor, end)
    yield from _inserts(text)


def _table(text: str, start: int, end: int) -> Generator[Finding, None, int]:
    """The table whose head may be `text[start:end]`; returns where it ends."""
    head = text[start:end]
    separator = next((one for one in _SEPARATORS if one in head), None)
    kinds = _kinds([cell for _, cell in _cells(head, 0, separator)]) if separator is not None else None
    if separator is None or kinds is None:
        return end
    return (yield from _rows(text, end + 1, separator, kinds))


def _rows(text: str, at: int, separator: str, kinds: list[str | None]) -> Generator[Finding, None, int]:
    for _ in range(_LONGEST):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if not line.strip("|-+: \t"):
            if not line:
                break
        else:
            cells = _cells(line, at, separator)
            if len(cells) != len(kinds):
                break
            for (start, cell), kind in zip(cells, kinds, strict=True):
                yield from _value(start, cell, kind)
        at = end + 1
        if at >= len(text):
            break
    return min(at, len(text))


def _cells(line: str, start: int, separator: str) -> list[tuple[int, str]]:
    """With the place of each; blanks and quotes around it are left out."""
    cells: list[tuple[int, str]] = []
    for cell in line.split(separator):
        bare = cell.strip(" \t\r\"'")
        cells.append((start + (cell.find(bare) if bare else 0), bare))
        start += len(cell) + 1
    return cells


def _kinds(heads: list[str]) -> list[str | None] | None:
    """What each column holds; None where it is no table of people."""
    if sum(_PERSONAL.fullmatch(head) is not None for head in heads) < 2:
        return None
    kinds = [next((kind for kind, names in _HEAD.items() if names.fullmatch(head)), None) for head in heads]
    return kinds if any(kinds) else None


def _value(start: int, cell: str, kind: str | None) -> Iterator[Finding]:
    if kind == "AGE":
        if _AGE.fullmatch(cell) is not None:
            yield Finding(start, start + len(cell), kind)
    elif kind is not None and _VALUE.fullmatch(cell) is not None and has_form(cell, kind) and not is_organisation(cell):
        yield Finding(start, start + len(cell), kind)


def _inserts(text: str) -> Iterator[Finding]:
    for insert in _INSERT.finditer(text):
        kinds = _kinds([column.strip(' "`') for column in insert["columns"].split(",")])
        at = insert.end()
        for _ in range(_LONGEST if kinds is not None else 0):
            row = _ROW.match(text, at)
            if row is None:
                break
            cells = [(match.start("cell"), match["cell"]) for match in _CELL.finditer(row["cells"])]
            if kinds is not None and len(cells) == len(kinds):
                for (start, cell), kind in zip(cells, kinds, strict=True):
                    bare = cell.strip("' ")
                    yield from _value(row.start("cells") + start + cell.find(bare), bare, kind)
            at = row.end()
