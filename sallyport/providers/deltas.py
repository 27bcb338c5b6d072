"""What a streamed answer says piece by piece: the fields of its events whose text goes on in later events.

A `WireFormat` finds them with `deltas`. Whatever else an event holds (whole texts, whole arguments) is complete in itself.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

Channel = tuple[Hashable, ...]
"""Names one text of an answer, from the general to the particular: a choice or block first, then its field."""


@dataclass(frozen=True, slots=True)
class Delta:
    """`parent[key]` is the next piece of the text `channel`."""

    channel: Channel
    parent: dict[str, Any]
    key: str
    escaped: bool = False
    """The text is JSON itself: a tool's arguments."""


@dataclass(frozen=True, slots=True)
class Deltas:
    """Of one event."""

    pieces: tuple[Delta, ...] = ()
    ended: tuple[Channel, ...] = ()
    """Texts that end with this event, its own pieces included: all whose channel begins so. `()` alone stands for all."""
