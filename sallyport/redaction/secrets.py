"""All secrets of a text."""

from __future__ import annotations

from sallyport.redaction import contexts, tokens
from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding, merge
from sallyport.redaction.pem import PemDetector

# Made once: plugins hold no state, and detect-secrets' settings (one for the whole process) are never touched.
_WHOLE = (PemDetector(),)
_RANKS = (_WHOLE, tokens.RULES, contexts.RULES)


def find_secrets(haystack: Haystack) -> list[Finding]:
    """Sorted, none overlapping. A private key wins over what stands in it, a token's own shape over its context."""
    return merge(
        *([Finding(start, end, rule.category) for rule in rules for start, end in rule.spans(haystack)] for rules in _RANKS)
    )
