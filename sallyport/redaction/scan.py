"""Everything that rules find in one text. Fast enough for any thread; the language model is not involved."""

from __future__ import annotations

from sallyport.redaction import placeholders
from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding, merge
from sallyport.redaction.pii import find_pii
from sallyport.redaction.secrets import find_secrets

RULES_VERSION = 1
"""Goes up with every change of what is found, so that nothing cached or compared is of another version."""


def scan(text: str, *, pii: bool, secrets: bool) -> list[Finding]:
    """Sorted, none overlapping; a secret wins over personal data, and placeholders already in the text stay as they are."""
    haystack = Haystack(text)
    found = merge(find_secrets(haystack) if secrets else (), find_pii(haystack) if pii else ())
    return outside(found, placeholders.spans(text))


def outside(findings: list[Finding], spans: list[tuple[int, int]]) -> list[Finding]:
    """The findings that touch none of `spans` (both sorted)."""
    if not spans:
        return findings
    kept: list[Finding] = []
    index = 0
    for finding in findings:
        while index < len(spans) and spans[index][1] <= finding.start:
            index += 1
        if index == len(spans) or spans[index][0] >= finding.end:
            kept.append(finding)
    return kept
