"""What a provider's stand-in implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from uuid import uuid4

from starlette.responses import Response

from sallyport.standin.script import Refusal
from sallyport.standin.session import OpenSession
from sallyport.standin.wire import Call

GATEWAY_KEY_PREFIX = "sp_"
"""No provider knows a gateway's own key: a credential that starts so was never swapped."""


class Family(ABC):
    """One provider's API."""

    name: str

    @abstractmethod
    def answer(self, call: Call) -> Response:
        """The answer to a call. Raises Refusal for an error."""

    def connect(self, call: Call) -> OpenSession:
        """Who talks on a WebSocket to that path. Raises Refusal where the provider has none."""
        raise Refusal(404, f"Invalid URL ({call.method} {call.path})", "")

    @abstractmethod
    def error(self, refusal: Refusal) -> Response:
        """The refusal in this provider's own shape."""


def bearer(call: Call, *schemes: str) -> str | None:
    """The credential in `Authorization` under one of the schemes (`Bearer` where none is named), or None."""
    scheme, _, credential = call.headers.get("authorization", "").partition(" ")
    allowed = [scheme.lower() for scheme in schemes or ("Bearer",)]
    return credential.strip() or None if scheme.lower() in allowed else None


def identifier(prefix: str) -> str:
    """A new id as vendors make them: `chatcmpl-…`, `msg_…`."""
    return prefix + uuid4().hex
