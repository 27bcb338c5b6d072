"""One attempt at a call: why it failed, and whether there will be another."""

from __future__ import annotations

from dataclasses import dataclass

from mitmproxy import http

from addons.destination import Destination

NO_FIRST_BYTE = "no first byte in time"
"""How `proxy` names an attempt that was given up because nothing of an answer came in time."""


@dataclass(slots=True)
class Failure:
    """Nothing of an answer has gone to the client."""

    message: str = ""
    """What broke it, where no answer came."""
    response: http.Response | None = None
    """The head of the provider's answer, an error, where one came."""
    to: Destination | None = None
    """Set by an addon: where another attempt is to be made."""

    @property
    def again(self) -> bool:
        return self.to is not None
