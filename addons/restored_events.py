"""Puts values back into the events of one answer, or the messages of one connection, whatever carries them.

An event keeps every other byte. The end of a piece that may become a placeholder is held back, and goes before the next piece of
the same text; where the text ends instead, it leaves in an event of its own, made after the last one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from addons.restored_document import put_back
from addons.splice import spliced
from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Channel, Deltas
from sallyport.providers.wire.reading import decode
from sallyport.redaction.placeholders import OPENING
from sallyport.redaction.restore import Rewriter

_OPENING = OPENING.encode()


@dataclass(slots=True)
class _Held[Frame]:
    """The end of a text, and the event it came with: its JSON and what that stood in."""

    tail: str
    data: bytes
    frame: Frame


class RestoredEvents[Frame]:
    """`Frame` is what an event's JSON stands in; it comes back with the JSON to put there."""

    def __init__(self, restorer: Rewriter, wire: WireFormat) -> None:
        self._restorer = restorer
        self._wire = wire
        self._held: dict[Channel, _Held[Frame]] = {}

    def event(self, data: bytes, frame: Frame, *, whole: bool = False) -> list[tuple[bytes, Frame]]:
        """What is to leave in place of an event: itself, perhaps after others. `whole`: no text goes on after it."""
        event: Any = decode(data)
        if not isinstance(event, dict):
            return [*self.flush(), (data, frame)]
        document = cast(JsonObject, event)
        if document.get("error") or document.get("type") == "error":
            return [*self.flush(), (data, frame)]  # a provider's error may quote what it was sent
        said = self._wire.deltas(document)
        changed = self._pieces(said, data, frame, whole=whole)
        ahead = self.flush(said.ended, but=[piece.channel for piece in said.pieces])
        if self._restorer.searches or _OPENING in data:
            own = {(id(piece.parent), piece.key) for piece in said.pieces}
            changed = put_back(document, self._restorer, self._wire, own) or changed
        return [*ahead, (spliced(data, document, strings=True) if changed else data, frame)]

    def flush(self, ended: Iterable[Channel] = ((),), but: Iterable[Channel] = ()) -> list[tuple[bytes, Frame]]:
        """Events with what is held of texts that have ended."""
        over = [channel for channel in self._held if _begins(channel, ended) and channel not in but]
        return [self._last(channel, self._held.pop(channel)) for channel in over]

    def _pieces(self, said: Deltas, data: bytes, frame: Frame, *, whole: bool) -> bool:
        changed = False
        last = {piece.channel: number for number, piece in enumerate(said.pieces)}
        for number, piece in enumerate(said.pieces):
            held = self._held.pop(piece.channel, None)
            came: str = piece.parent[piece.key]
            text, tail = self._restorer.piece((held.tail if held else "") + came, escaped=piece.escaped)
            if number == last[piece.channel] and (whole or _begins(piece.channel, said.ended)):
                text += self._restorer.whole(tail, escaped=piece.escaped)
            elif tail:
                self._held[piece.channel] = _Held(tail, data, frame)
            piece.parent[piece.key] = text
            changed = changed or text != came
        return changed

    def _last(self, channel: Channel, held: _Held[Frame]) -> tuple[bytes, Frame]:
        """An event like the one that the tail came with, which says the tail and nothing else."""
        event: JsonObject = decode(held.data)
        tail = held.tail
        for piece in self._wire.deltas(event).pieces:
            here = piece.channel == channel
            piece.parent[piece.key] = self._restorer.whole(tail, escaped=piece.escaped) if here else ""
            tail = "" if here else tail
        return spliced(held.data, event, strings=True), held.frame


def _begins(channel: Channel, beginnings: Iterable[Channel]) -> bool:
    return any(channel[: len(beginning)] == beginning for beginning in beginnings)
