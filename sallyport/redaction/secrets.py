"""All secrets of a text."""

from __future__ import annotations

from sallyport.redaction import contexts, operator_rules, tokens
from sallyport.redaction.base64_runs import Base64Runs
from sallyport.redaction.detector import AnchoredDetector, Haystack
from sallyport.redaction.finding import Finding, merge
from sallyport.redaction.pem import PemDetector
from sallyport.redaction.sieve import Sieve

Rule = AnchoredDetector | Base64Runs


def find_secrets(haystack: Haystack) -> list[Finding]:
    """Sorted, none overlapping.

    A private key wins over what stands in it, a token's own shape over operators' rules, those over a context.
    """
    ranks: list[list[Finding]] = [[] for _ in _RANKS]
    for rank, rule in _SIEVE.rules(haystack.ascii):
        ranks[rank] += rule.find(haystack)
    own = operator_rules.find(haystack)
    return merge(*ranks[:_SURE], own, *ranks[_SURE:]) if own or any(ranks) else []


# Made once: plugins hold no state, and detect-secrets' settings (one for the whole process) are never touched.
_RANKS: tuple[tuple[Rule, ...], ...] = ((PemDetector(),), tokens.RULES, contexts.RULES, (Base64Runs(find_secrets),))
_SURE = 2
"""Ranks that win over operators' rules: what has a shape of its own is known better by that."""
_SIEVE = Sieve([((rank, rule), rule.anchors) for rank, rules in enumerate(_RANKS) for rule in rules])
