"""Recall, precision, false hits and speed of an engine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bench.redaction.corpus import is_credit
from bench.redaction.engines import Engine
from bench.redaction.samples import Label, Sample
from sallyport.redaction.finding import Finding
from sallyport.redaction.spread import PERSONAL


@dataclass(slots=True)
class Score:
    """By category (all kinds of secrets are `SECRET`)."""

    labelled: Counter[str] = field(default_factory=Counter[str])
    gone: Counter[str] = field(default_factory=Counter[str])
    hits: Counter[str] = field(default_factory=Counter[str])
    right: Counter[str] = field(default_factory=Counter[str])
    missed: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])

    def recall(self, category: str) -> float | None:
        """Percent of values of which no letter or digit is left."""
        return _percent(self.gone[category], self.labelled[category])

    def precision(self, category: str) -> float | None:
        """Percent of findings that touch a value of their category."""
        return _percent(self.right[category], self.hits[category])


async def score(engine: Engine, samples: Iterable[Sample]) -> Score:
    """`missed` and `wrong` say what to look at, in the tuned part."""
    total = Score()
    for sample in samples:
        for index, (text, findings) in enumerate(zip(sample.texts, await engine.find(sample.texts), strict=True)):
            labels = [label for label in sample.labels if label.text == index]
            _count(total, sample.name, text, labels, findings)
    return total


def _count(total: Score, name: str, text: str, labels: list[Label], findings: list[Finding]) -> None:
    for label in labels:
        keys = [label.category, f"SECRET:{label.kind}"] if label.kind else [label.category]
        total.labelled.update(keys)
        if is_gone(text, label, findings):
            total.gone.update(keys)
        else:
            total.missed.append(f"{keys[-1]} {text[label.start : label.end]!r} in {name}")
    for start, end, category in findings:
        general = category if category in PERSONAL else "SECRET"
        total.hits[general] += 1
        if any(label.category == general and start < label.end and label.start < end for label in labels):
            total.right[general] += 1
        else:
            total.wrong.append(f"{category} {text[start:end]!r} in {name}")


def is_gone(text: str, label: Label, findings: Sequence[Finding]) -> bool:
    """Whether findings, whatever they take it for, cover all its letters and digits."""
    covered = {at for start, end, _ in findings for at in range(max(start, label.start), min(end, label.end))}
    return all(at in covered or not text[at].isalnum() for at in range(label.start, label.end))


async def touched(engine: Engine, samples: Iterable[Sample]) -> tuple[float, list[str]]:
    """Percent of the labelled values that a finding touches, and which."""
    seen = 0
    hits: list[str] = []
    for sample in samples:
        found = await engine.find(sample.texts)
        for label in sample.labels:
            seen += 1
            for start, end, category in found[label.text]:
                if start < label.end and label.start < end:
                    hits.append(f"{category} {sample.texts[label.text][start:end]!r} in {sample.name}")
                    break
    return 100 * len(hits) / seen, hits


async def false_hits(engine: Engine, texts: Sequence[str]) -> tuple[float, list[str]]:
    """Findings per 100 KB of text that holds nothing of people but credits, and which."""
    hits: list[str] = []
    for text in texts:
        for start, end, category in (await engine.find([text]))[0]:
            if not is_credit(text, start):
                line = text[text.rfind("\n", 0, start) + 1 :].partition("\n")[0]
                hits.append(f"{category} {text[start:end]!r} in {line[:120]!r}")
    return 100_000 * len(hits) / sum(map(len, texts)), hits


async def rate(texts: Sequence[str], work: Callable[[str], Awaitable[object]]) -> float:
    """Characters per second of CPU time."""
    began = time.process_time()
    for text in texts:
        await work(text)
    return sum(map(len, texts)) / max(time.process_time() - began, 1e-6)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
