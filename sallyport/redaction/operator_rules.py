"""Operators' own rules: the tables `[redaction_rules.CATEGORY]` of the config file. They run on RE2, in linear time.

RE2 is fast but for patterns whose automaton grows without end; those it follows slowly. Where a text makes a rule slow, the rule
stops after its time and the rest of that text is withheld: no input stalls the gateway, and none gets past a rule.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from math import log2

from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding
from sallyport.redaction.rule_declaration import RuleDeclaration, compiled

log = logging.getLogger(__name__)

_LONGEST_VALUE = 2_000
"""Characters; what stands around a keyword's value counts too."""
_SLICE = 8_000
_NEAR = 100
"""Characters before and after a value in which one of its keywords must stand."""
_MOST_SECONDS = 0.02, 0.000_001
"""For one rule and text: at any rate, and more for each character."""


class OperatorRule:
    def __init__(self, category: str, declared: RuleDeclaration) -> None:
        self.category = category
        self._pattern = compiled(declared.regex)
        self._group = self._pattern.groupindex.get("value", 0)
        self._keywords = tuple(keyword.lower() for keyword in declared.keywords)
        self._valid = _VALIDATORS[declared.validator] if declared.validator else None

    def find(self, haystack: Haystack) -> Iterator[Finding]:
        """Its values, and, where time ran out, the rest of the text."""
        if self._keywords and not any(keyword in haystack.lowered for keyword in self._keywords):
            return
        text = haystack.text if haystack.text.isascii() else haystack.text.encode("utf-8", "replace").decode()
        until = time.thread_time() + _MOST_SECONDS[0] + _MOST_SECONDS[1] * len(text)
        reached = 0
        for first in range(0, len(text), _SLICE):
            if time.thread_time() > until:
                log.warning("the redaction rule %s took too long; the rest of a text was withheld", self.category)
                yield Finding(max(first, reached), len(text), self.category)
                return
            start = max(first - _NEAR, 0)
            for match in self._pattern.finditer(text[start : first + _SLICE + _LONGEST_VALUE]):
                begin, end = (start + at for at in match.span(self._group))
                if max(first, reached) <= begin < first + _SLICE and begin < end and self._accepts(haystack, begin, end):
                    yield Finding(begin, end, self.category)
                    reached = end

    def _accepts(self, haystack: Haystack, start: int, end: int) -> bool:
        if self._keywords:
            near = haystack.lowered[max(0, start - _NEAR) : end + _NEAR]
            if not any(keyword in near for keyword in self._keywords):
                return False
        return self._valid is None or self._valid(haystack.text[start:end])


_rules: tuple[OperatorRule, ...] = ()


def load_rules(declared: Mapping[str, RuleDeclaration]) -> None:
    """Have `find` look by these, in this process."""
    global _rules
    _rules = tuple(OperatorRule(category, rule) for category, rule in declared.items())


def find(haystack: Haystack) -> list[Finding]:
    """By every rule; they may overlap."""
    return [finding for rule in _rules for finding in rule.find(haystack)]


def _luhn(value: str) -> bool:
    digits = [int(character) for character in value if character.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(digits) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban(value: str) -> bool:
    compact = "".join(value.split()).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}", compact, re.ASCII):
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def _entropy(value: str) -> bool:
    shares = [value.count(character) / len(value) for character in set(value)]
    return -sum(share * log2(share) for share in shares) >= 3.5


_VALIDATORS: dict[str, Callable[[str], bool]] = {"luhn": _luhn, "iban": _iban, "entropy": _entropy}
