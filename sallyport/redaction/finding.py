"""What finders report, and how overlapping reports become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Finding(NamedTuple):
    """A sensitive value at `text[start:end]`."""

    start: int
    end: int
    category: str


def merge(*ranked: Iterable[Finding]) -> list[Finding]:
    """Findings sorted by place, none overlapping. Earlier groups win over later ones; in a group the first, then the longest."""
    kept: list[Finding] = []
    for group in ranked:
        fresh = sorted(group, key=lambda finding: (finding.start, -finding.end))
        if not fresh:
            continue
        kept = _insert(kept, fresh)
    return kept


def united(*ranked: Iterable[Finding]) -> list[Finding]:
    """As `merge`, but findings that overlap become one that covers both, of the earlier group's category."""
    ranks = sorted((*finding[:2], rank, finding.category) for rank, group in enumerate(ranked) for finding in group)
    found: list[tuple[Finding, int]] = []
    for start, end, rank, category in ranks:
        if not found or start >= found[-1][0].end:
            found.append((Finding(start, end, category), rank))
            continue
        last, last_rank = found[-1]
        both = (last.start, max(last.end, end))
        found[-1] = (Finding(*both, last.category), last_rank) if last_rank <= rank else (Finding(*both, category), rank)
    return [finding for finding, _ in found]


def _insert(kept: list[Finding], fresh: list[Finding]) -> list[Finding]:
    merged: list[Finding] = []
    index, reached = 0, 0
    for finding in fresh:
        while index < len(kept) and kept[index].end <= finding.start:
            merged.append(kept[index])
            index += 1
        blocked = index < len(kept) and kept[index].start < finding.end
        if finding.start >= reached and not blocked and finding.end > finding.start:
            merged.append(finding)
            reached = finding.end
    merged.extend(kept[index:])
    return merged
