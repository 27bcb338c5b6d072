"""Redactor: finds secrets and PII in texts and replaces them by placeholders, without blocking the event loop."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sallyport.redaction import placeholders
from sallyport.redaction.cache import Cache, fingerprint
from sallyport.redaction.finding import Finding, merge
from sallyport.redaction.lookup import Lookup
from sallyport.redaction.ner_client import NerClient
from sallyport.redaction.pace import Pace, apart
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.scan import outside
from sallyport.redaction.spread import PERSONAL, Values

_CACHE_BYTES = 64 * 1024 * 1024
_MANY = 500
"""Findings, and …"""
_LONG = 20_000
"""… characters, from which on work is done in a thread;"""
_HUGE = 1_000_000
"""for hashing it takes more."""


@dataclass(slots=True)
class Redaction:
    """The texts as they may leave. Where `timed_out` or `failed`, secrets are still gone, but PII may be left: policy decides."""

    texts: list[str]
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Category → values replaced."""
    found: list[dict[str, int]] = field(default_factory=list[dict[str, int]])
    """The same, of each text."""
    timed_out: bool = False
    failed: bool = False


@dataclass(slots=True)
class Found:
    """What stands where: sorted, none overlapping. `timed_out`, `failed`: as in `Redaction`."""

    findings: dict[str, list[Finding]]
    """By text."""
    timed_out: bool
    failed: bool


class Redactor:
    """One for each process. `ner` None: prose that should be read for names reports `failed`."""

    def __init__(self, ner: NerClient | None, cache_bytes: int = _CACHE_BYTES) -> None:
        self._ner = ner
        self._cache = Cache(cache_bytes)

    async def warm(self) -> None:
        """Load the models of the NER processes now. Raises NerUnavailable."""
        if self._ner is not None:
            await self._ner.warm()

    async def redact(self, texts: Sequence[str], *, names: Placeholders, pii: bool, secrets: bool, deadline: float) -> Redaction:
        """Replace what is sensitive in `texts`, given in reading order.

        `names` are the request's placeholders; `deadline` is in `loop.time()`. Never raises because of a text; secrets are
        replaced whatever happens. A text that no finder could read is replaced as a whole.
        """
        pace = Pace()
        found = await self.find(texts, key=names.key, pii=pii, secrets=secrets, deadline=deadline)
        counts: Counter[str] = Counter()
        counted: dict[str, Counter[str]] = {}
        replaced: dict[str, str] = {}
        for text, findings in found.findings.items():
            if findings:
                replaced[text] = await apart(len(findings) > _MANY, names.replace, text, findings)
                await pace.breathe()
            else:
                replaced[text] = text
        for text, findings in found.findings.items():
            counted[text] = Counter(finding.category for finding in findings)
        for text in texts:
            counts.update(counted[text])
        of_each: list[dict[str, int]] = [counted[text] for text in texts]
        return Redaction([replaced[text] for text in texts], dict(counts), of_each, found.timed_out, found.failed)

    async def find(self, texts: Sequence[str], *, key: bytes, pii: bool, secrets: bool, deadline: float) -> Found:
        """What `redact` would replace, and where."""
        pace = Pace()
        digests: dict[str, bytes] = {}
        for text in texts:
            if text not in digests:
                digests[text] = await apart(len(text) > _HUGE, fingerprint, key, text)
                await pace.breathe()
        lookup = Lookup(self._cache, self._ner, key=key, deadline=deadline)
        if pii:
            ruled, named = await asyncio.gather(lookup.rules(digests, pii=True, secrets=secrets), lookup.names(digests))
        else:
            ruled, named = await lookup.rules(digests, pii=False, secrets=secrets), {}

        found: dict[str, list[Finding]] = {}
        for text in digests:
            both = (ruled[text], outside(named.get(text, []), placeholders.spans(text)))
            found[text] = await apart(sum(map(len, both)) > _MANY, merge, *both)
            await pace.breathe()
        await self._spread(digests, found, pace, late=lookup.timed_out)
        return Found(found, lookup.timed_out, lookup.failed)

    async def _spread(self, digests: dict[str, bytes], found: dict[str, list[Finding]], pace: Pace, *, late: bool) -> None:
        """Values found in one text are replaced in others: secrets in all, personal data from there on.

        Only from there on, because a conversation that goes on must not change what was sent of it already. Where it is `late`,
        personal data may be left in any case, and no more time is spent on it.
        """
        secrets, personal = Values(), Values()
        for text, findings in found.items():
            secrets.add(text, (finding for finding in findings if finding.category not in PERSONAL))
        for text, findings in found.items():
            if not late:
                personal.add(text, (finding for finding in findings if finding.category in PERSONAL))
            if not secrets.state and not personal.state:
                continue
            digest = hashlib.blake2b(digests[text] + secrets.state + b"\0" + personal.state, digest_size=16).digest()
            further = self._cache.get(digest)
            if further is None:
                further = tuple(await apart(len(text) > _LONG, _find, secrets, personal, text))
                self._cache.put(digest, further)
                await pace.breathe()
            if further:
                found[text] = await apart(len(further) > _MANY, merge, findings, further)


def _find(secrets: Values, personal: Values, text: str) -> list[Finding]:
    return merge(secrets.find(text), personal.find(text))
