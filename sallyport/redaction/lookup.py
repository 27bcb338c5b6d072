"""What stands where in the texts of one request: from the cache, from the NER processes, or, for little text, on the spot."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from sallyport.redaction.cache import Cache, Found, fingerprint
from sallyport.redaction.finding import Finding
from sallyport.redaction.ner_client import NerClient, NerTimeout, NerUnavailable
from sallyport.redaction.pace import Pace
from sallyport.redaction.prose import pieces
from sallyport.redaction.scan import scan
from sallyport.redaction.segments import segments

log = logging.getLogger(__name__)

_INLINE = 4_096
"""Characters that are scanned on the event loop: under a millisecond."""
_RULES_BATCH = 64_000
_NAMES_BATCH = 12_000
_NAMES_IN_FLIGHT = 4
"""Jobs of one request at a time, so that a large one does not hold up the others."""
_FINISH_SECONDS = 0.01
_FINISH_RATE = 5_000_000
"""What it takes, after the last answer, to replace what was found: a start, and characters per second."""

_SCAN_RATE = 2_000_000
"""Characters per second that rules do at least."""
_NAMED = re.compile(r"[^\W\d_a-z][^\W\d_]*[ \u00a0:\"'=]{1,4}[^\W\d_a-z][^\W\d_]|^[^\w]*[^\W\d_a-z][^\W\d_]+: ", re.MULTILINE)
"""Two capitalised words, a field and its value, a speaker: in records, names stand without a sentence."""


class Lookup:
    """One request's. `timed_out` and `failed` tell, at the end, whether names may have been missed."""

    def __init__(self, cache: Cache, ner: NerClient | None, *, key: bytes, deadline: float) -> None:
        self._cache = cache
        self._ner = ner
        self._key = key
        self._deadline = deadline
        self.timed_out = False
        self.failed = False

    async def rules(self, digests: Mapping[str, bytes], *, pii: bool, secrets: bool) -> dict[str, Sequence[Finding]]:
        """Findings by rule of each text, complete in any case: where no NER process does it in time, a thread of ours does."""
        kind = b"rules" + bytes((pii, secrets))
        found: dict[str, Sequence[Finding]] = {}
        missing: list[str] = []
        for text, digest in digests.items():
            known = self._cache.get(digest + kind)
            if known is None:
                missing.append(text)
            else:
                found[text] = known
        inline = sum(map(len, missing)) <= _INLINE
        batches = [missing] if inline else list(_batches(missing, _RULES_BATCH))
        results = await asyncio.gather(*(self._scan(batch, inline=inline, pii=pii, secrets=secrets) for batch in batches))
        for batch, result in zip(batches, results, strict=True):
            for text, findings in zip(batch, result, strict=True):
                found[text] = findings
                if not self.timed_out:
                    self._cache.put(digests[text] + kind, tuple(findings))
        return found

    async def _scan(self, texts: list[str], *, inline: bool, pii: bool, secrets: bool) -> list[list[Finding]]:
        if inline:
            return _scan_all(texts, pii, secrets, math.inf)
        if self._ner is not None:
            # We take over while there is time to keep the deadline.
            until = self._deadline - sum(map(len, texts)) / _SCAN_RATE
            try:
                return await self._ner.scan(texts, pii=pii, secrets=secrets, deadline=until)
            except NerUnavailable:
                pass
        found = await asyncio.to_thread(_scan_all, texts, pii, secrets, self._deadline)
        self.timed_out = self.timed_out or (pii and asyncio.get_running_loop().time() > self._deadline)
        return found

    async def names(self, digests: Mapping[str, bytes]) -> dict[str, list[Finding]]:
        """Findings by the language model, as far as it came by the deadline."""
        pace = Pace()
        finish = _FINISH_SECONDS + sum(map(len, digests)) / _FINISH_RATE
        deadline = self._deadline - min(finish, (self._deadline - asyncio.get_running_loop().time()) / 2)
        parts: list[tuple[str, int, bytes]] = []
        known: dict[bytes, Found] = {}
        missing: dict[bytes, str] = {}
        for text, whole in digests.items():
            for offset, segment in segments(text):
                if not _may_hold_names(segment):
                    continue
                digest = (whole if len(segment) == len(text) else fingerprint(self._key, segment)) + b"names"
                parts.append((text, offset, digest))
                found = self._cache.get(digest)
                if found is None:
                    missing[digest] = segment
                else:
                    known[digest] = found
                await pace.breathe()
        known |= await self._read(missing, deadline)
        named: dict[str, list[Finding]] = {}
        for text, offset, digest in parts:
            for start, end, category in known.get(digest, ()):
                named.setdefault(text, []).append(Finding(offset + start, offset + end, category))
        return named

    async def _read(self, missing: Mapping[bytes, str], deadline: float) -> dict[bytes, Found]:
        found: dict[bytes, Found] = {}
        if self._ner is None:
            self.failed = self.failed or bool(missing)
            return found
        ner, digests = self._ner, {segment: digest for digest, segment in missing.items()}
        free = asyncio.Semaphore(_NAMES_IN_FLIGHT)

        async def read(batch: list[str]) -> None:
            async with free:
                try:
                    results = await ner.names(batch, deadline=deadline)
                except NerTimeout:
                    self.timed_out = True
                except NerUnavailable:
                    self.failed = True
                else:
                    for segment, findings in zip(batch, results, strict=True):
                        found[digests[segment]] = tuple(findings)
                        self._cache.put(digests[segment], tuple(findings))

        await asyncio.gather(*map(read, _batches(list(digests), _NAMES_BATCH)))
        return found


def _batches(texts: Sequence[str], limit: int) -> Iterator[list[str]]:
    """In order, each of at most `limit` characters, or of one text."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and size + len(text) > limit:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _may_hold_names(segment: str) -> bool:
    """Cheap for what plainly holds none: base64 and minified code have hardly a blank; short texts are judged as a whole."""
    if len(segment) <= _INLINE // 8:
        return _NAMED.search(segment) is not None or bool(pieces(segment))
    return segment.count(" ") * 40 > len(segment)


def _scan_all(texts: Sequence[str], pii: bool, secrets: bool, until: float) -> list[list[Finding]]:
    return [_scan_one(text, pii, secrets, until) for text in texts]


def _scan_one(text: str, pii: bool, secrets: bool, until: float) -> list[Finding]:
    try:
        return scan(text, pii=pii, secrets=secrets, until=until)
    except Exception as error:  # a text must never get through unread because a rule has a fault
        log.error("a rule failed: %s", type(error).__name__)
        return [Finding(0, len(text), "UNREADABLE")]
