"""The client of the NER processes: sends text over their unix sockets, without ever blocking the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sallyport.redaction.finding import Finding


class NerUnavailable(Exception):
    """No NER process could answer in time."""


class NerClient:
    """Speaks to all NER processes, whichever is free. Connects when first needed and again after a process was restarted."""

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._sockets = tuple(sockets)

    async def warm(self) -> None:
        """Have every process load its model now, so that the first guarded call does not wait for it."""
        raise NotImplementedError

    async def scan(self, texts: Sequence[str], *, pii: bool, secrets: bool, deadline: float) -> list[list[Finding]]:
        """Findings by rule (secrets; phone numbers and the like) of each text. Raises NerUnavailable."""
        raise NotImplementedError

    async def names(self, texts: Sequence[str], *, deadline: float) -> list[list[Finding]]:
        """Findings by spaCy (people, places, …) of each text. Raises NerUnavailable."""
        raise NotImplementedError

    async def close(self) -> None:
        """Hang up."""
        raise NotImplementedError
