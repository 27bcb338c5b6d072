"""A WebSocket's handshake (RFC 6455, 4): whether a request is one, and the key that browsers can put nowhere but into it."""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy import http

_PROTOCOL, _EXTENSIONS = "sec-websocket-protocol", "sec-websocket-extensions"
_KEY = "openai-insecure-api-key."
"""A page can set no header on a WebSocket, so OpenAI takes the key as one of the subprotocols
(https://platform.openai.com/docs/guides/realtime-websocket)."""


def is_handshake(request: http.Request) -> bool:
    return "websocket" in request.headers.get("upgrade", "").lower()


def problem(request: http.Request) -> str | None:
    """What is wrong with a handshake, or None. Of what is no handshake of RFC 6455 nobody could read the messages."""
    if not is_handshake(request):
        return None
    if request.method != "GET" or not request.is_http11:
        return "it is no HTTP/1.1 GET"
    if request.headers.get("upgrade", "").strip().lower() != "websocket":
        return "it asks for more than one protocol"
    if request.headers.get("sec-websocket-version", "").strip() != "13":
        return "its version is not 13"
    return None


def key_in_subprotocol(request: http.Request) -> str | None:
    return next((name.removeprefix(_KEY) for name in _subprotocols(request) if name.startswith(_KEY)), None)


def strip_keys(request: http.Request, drop: Callable[[str], bool]) -> None:
    """Take out the keys among the subprotocols that `drop` wants away."""
    names = _subprotocols(request)
    kept = [name for name in names if not (name.startswith(_KEY) and drop(name.removeprefix(_KEY)))]
    if len(kept) == len(names):
        return
    if kept:
        request.headers[_PROTOCOL] = ", ".join(kept)
    else:
        del request.headers[_PROTOCOL]


def keep_readable(request: http.Request) -> None:
    """Offer the provider no extension but compression: what another one does to messages, we can't undo."""
    offers = [offer.strip() for offer in request.headers.get(_EXTENSIONS, "").split(",")]
    readable = [offer for offer in offers if offer.partition(";")[0].strip() == "permessage-deflate"]
    if readable:
        request.headers[_EXTENSIONS] = ", ".join(readable)
    else:
        request.headers.pop(_EXTENSIONS, None)


def _subprotocols(request: http.Request) -> list[str]:
    """The subprotocols offered, in order."""
    return [name.strip() for name in request.headers.get(_PROTOCOL, "").split(",") if name.strip()]
